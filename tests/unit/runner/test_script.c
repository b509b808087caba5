/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Which start scripts need no shell and no bun in front of them. */
#include "base/cleanup.h"
#include "base/fs.h"
#include "script.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define SPEC \
        "deployment d1d1d1d1d1d1\nrelease 1\nrepo https://git.test/x.git\nbranch main\nnode 22\nbun 1\ninstall x\nbuild x\nstart x\nend\n"

static char root[] = "/tmp/nanoscale-script-XXXXXX";
static const Place here = { .root = root, .run = root };

static void put(const char *name, const char *text, mode_t mode) {
        Path p;
        assert_int_equal(path_format(&p, "%s/%s", root, name), 0);
        for (char *slash = p.s + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
                *slash = '\0';
                assert_true(mkdir(p.s, 0700) == 0 || errno == EEXIST);
                *slash = '/';
        }
        auto_fclose FILE *f = fopen(p.s, "we");
        assert_non_null(f);
        assert_true(fputs(text, f) >= 0);
        assert_int_equal(chmod(p.s, mode), 0);
}

static int set_up(void **state) {
        (void) state;
        if (!mkdtemp(root))
                return -1;
        put("specs/x/build", SPEC, 0600);
        put("runtimes/node-22/bin/node", "", 0700);
        put("runtimes/bun-1/bin/bun", "", 0700);
        put("app/node_modules/.bin/next", "", 0700);
        put("app/bin/serve", "", 0700);
        put("app/bin/plain", "", 0600);
        return 0;
}

static int tear_down(void **state) {
        (void) state;
        auto_close int tmp = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return tmp < 0 ? -1 : fs_remove_tree(tmp, strrchr(root, '/') + 1);
}

static void check(const char *script, bool hooks, const char *expected) {
        const char *why;
        char command[1024];
        Build b = { .place = &here, .has_start = true, .has_start_hooks = hooks };
        assert_true(strlen(script) < sizeof b.start_script);
        memcpy(b.start_script, script, strlen(script) + 1);
        assert_int_equal(path_format(&b.app_path, "%s/app", root), 0);
        assert_int_equal(path_format(&b.cache_path, "%s/cache", root), 0);
        assert_int_equal(spec_read(&here, "x", "build", SPEC_BUILD, &b.spec, &why), 0);
        b.inherited = environment_new(NULL);
        assert_non_null(b.inherited);
        assert_int_equal(script_direct(&b, command, sizeof command), 0);
        assert_string_equal(command, expected);
        (void) environment_free(b.inherited);
        (void) spec_free(b.spec);
}

static const struct {
        const char *script, *command;
} cases[] = {
        { "node server.js", "node server.js" },
        { "  node  --env-file=.env ./dist/main.js --port=1", "node  --env-file=.env ./dist/main.js --port=1" },
        { "bun server.ts", "bun server.ts" },
        { "next start", "next start" },
        { "./bin/serve -x", "./bin/serve -x" },
        { "NODE_ENV=production node server.js", "env NODE_ENV=production node server.js" },
        { "", "" },
        { "  ", "" },
        { "absent server.js", "" },
        { "./bin/plain", "" },
        { "npm run serve", "" },
        { "npx next start", "" },
        { "yarn serve", "" },
        /* for a shell */
        { "node server.js && node other.js", "" },
        { "node server.js & node other.js", "" },
        { "node server.js | cat", "" },
        { "node server.js > log", "" },
        { "node $FILE", "" },
        { "node `x`", "" },
        { "node *.js", "" },
        { "node server-?.js", "" },
        { "node ~/server.js", "" },
        { "node {a,b}.js", "" },
        { "node 'server.js'", "" },
        { "node \"server.js\"", "" },
        { "node a; node b", "" },
        { "(node a)", "" },
        { "node a # b", "" },
        { "node a!b", "" },
};

static void test_scripts(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS(cases); i++)
                check(cases[i].script, false, cases[i].command);
}

static void test_where_bun_does_more(void **state) {
        (void) state;
        check("node server.js", true, "");
        put("app/bunfig.toml", "[run]\nbun = true\n", 0600);
        check("node server.js", false, "");
}

static void test_a_long_script(void **state) {
        (void) state;
        char script[512];
        memset(script, 'x', sizeof script);
        memcpy(script, "node ", 5);
        script[sizeof script - 1] = '\0';
        check(script, false, script);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_scripts),
                cmocka_unit_test(test_a_long_script),
                cmocka_unit_test(test_where_bun_does_more),
        };
        return cmocka_run_group_tests(tests, set_up, tear_down);
}
