/* What this library is, for programs that ask at run time. */
const char *wg_version(void);

const char *wg_version(void)
{
    return "0.1.0";
}
