#ifndef FLUIDITY_C_MATH_COMPATIBILITY_H
#define FLUIDITY_C_MATH_COMPATIBILITY_H

/* `hypot` and `hypotf` have a new version in glibc 2.35, which a binary that is linked there asks for. AWS Lambda's
   `provided.al2023` has 2.34. These are linked into the binary in their place. */
double hypot(double x, double y);
float hypotf(float x, float y);

#endif
