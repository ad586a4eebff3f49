/* main.c - the command table, and nothing else. */
#include "version.h"

#include <stdio.h>

int main(void)
{
    return puts("weir " WEIR_VERSION " (" WEIR_BUILD ")") < 0;
}
