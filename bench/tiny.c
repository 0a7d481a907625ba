/* SPDX-License-Identifier: Apache-2.0 */
/* The command of every round, linked statically: what a contender adds to it is what is measured. */
int main(void) {
        return 0;
}
