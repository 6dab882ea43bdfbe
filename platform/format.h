/* CLX_PRINTF(at, first): lets the compiler check the arguments of a function that formats as printf does: parameter `at` is the
 * format, `first` the first of its values. */
#ifndef CLX_FORMAT_H
#define CLX_FORMAT_H

#if defined(__MINGW32__)
#define CLX_PRINTF(at, first) __attribute__((format(gnu_printf, at, first))) /* what __USE_MINGW_ANSI_STDIO gives */
#elif defined(__GNUC__)
#define CLX_PRINTF(at, first) __attribute__((format(printf, at, first)))
#else
#define CLX_PRINTF(at, first)
#endif

#endif
