dnl coturn.m4 - which coturn is built, and with which of its optional databases
coturn_summary="(not configured)"
