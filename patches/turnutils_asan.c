/* turnutils_asan.c - options of the turnutils programs under AddressSanitizer
 *
 * coturn's test clients never free what they allocate and end in failure when the leak check says
 * so. They are tools of our tests, not their subject. */
const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}
