#include "CMathCompatibility.h"

/* `fabs`, `fmax`, `fmin` and `sqrt` have had one version since glibc 2.2.5. Infinity wins over NaN (C17, F.10.4.3); the
   larger operand is taken out, so that squares neither overflow nor vanish. */

double hypot(double x, double y) {
    double a = __builtin_fabs(x), b = __builtin_fabs(y);
    if (__builtin_isinf(a) || __builtin_isinf(b)) return __builtin_inf();
    if (__builtin_isnan(a) || __builtin_isnan(b)) return __builtin_nan("");
    double large = a > b ? a : b, small = a > b ? b : a;
    if (large == 0) return 0;
    double ratio = small / large;
    return large * __builtin_sqrt(1 + ratio * ratio);
}

float hypotf(float x, float y) {
    double a = x, b = y;
    if (__builtin_isinf(a) || __builtin_isinf(b)) return __builtin_inff();
    return (float)__builtin_sqrt(a * a + b * b);
}
