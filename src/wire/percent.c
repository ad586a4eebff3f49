#include "wire/percent.h"
#include "base/hash.h"

bool percent_decode(char *at, size_t *len, bool plus_is_space)
{
    size_t n = 0;
    for (size_t i = 0; i < *len; i++) {
        if (at[i] != '%') {
            at[n++] = (char)(plus_is_space && at[i] == '+' ? ' ' : at[i]);
            continue;
        }
        unsigned char byte = 0;
        if (*len - i < 3 || !hex_read((struct str){at + i + 1, 2}, &byte, 1)) {
            return false;
        }
        at[n++] = (char)byte;
        i += 2;
    }
    *len = n;
    return true;
}
