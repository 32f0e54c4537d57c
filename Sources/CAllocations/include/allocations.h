#pragma once
#include <stdbool.h>
#include <stdint.h>

/// Whether allocations can be counted here: with glibc.
bool fluidity_counts_allocations(void);

/// How many times this thread has asked for memory.
uint64_t fluidity_allocations(void);
