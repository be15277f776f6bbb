#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# embed.sh NAME FILE: the file as a C array on standard output, with a tag that changes when the file does. A string literal
# would do for small files only: C99 promises no more than 4095 characters of it.
set -eu
name=$1
file=$2
sum=$(cksum < "$file" | tr ' ' '-')
echo "/* Made from $(basename -- "$file") by embed.sh. */"
echo "#define $(printf %s "$name" | tr '[:lower:]' '[:upper:]')_TAG \"\\\"$sum\\\"\""
echo "static const unsigned char ${name}[] = {"
od -An -v -t u1 "$file" | sed -e 's/  */ /g' -e 's/^ //' -e 's/ *$//' -e 's/ /,/g' -e 's/$/,/'
echo "};"
