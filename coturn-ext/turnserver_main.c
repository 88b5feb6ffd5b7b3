/* turnserver_main.c - turnserver's main
 *
 * coturn is an archive here (libcoturn.a, its main renamed), so that tests link the same objects as
 * turnserver does. */
int coturn_main(int argc, char **argv);

int main(int argc, char **argv)
{
	return coturn_main(argc, argv);
}
