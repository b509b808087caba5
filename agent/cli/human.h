/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Durations, sizes and points in time as people read and write them. Pure but for the clock and the time zone. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* "0.8s", "2m03s", or with a space before the unit: "0.8 s". */
void format_duration(int64_t ms, bool space, char *ret, size_t size);
/* The time that someone waited: "71 ms", "1.2 s", "2 min 03 s". */
void format_wait(int64_t ms, char *ret, size_t size);
/* All of it, for settings: "45 s", "15 min", "1 h 30 min", "2 days". */
void format_seconds(int64_t seconds, char *ret, size_t size);
/* "52 KiB", "7.3 MiB", "112 MiB", "1.5 GiB". */
void format_bytes(int64_t bytes, char *ret, size_t size);
/* ISO 8601 in UTC; false for anything else. */
bool time_parse(const char *iso, time_t *ret);
/* From ISO 8601 in UTC, "-" for anything else. In local time "2025-11-24 22:50", or without the date "22:50:09". */
void format_time(const char *iso, bool date, char *ret, size_t size);
/* The same as a distance from now: "12 s ago", "2 h 5 min ago", "in 40 s". */
void format_age(const char *iso, char *ret, size_t size);

/* "90s", "15m", "1h30m", "2d": numbers with units that get smaller. False for anything else, a number without a unit too, since it could be
 * seconds or minutes. */
bool duration_parse(const char *text, unsigned long *ret_seconds);

/* The value of rank percent (1 … 100) among n > 0 ascending values: a value that occurred, not one between two. */
int64_t percentile(const int64_t *ascending, size_t n, unsigned percent);
