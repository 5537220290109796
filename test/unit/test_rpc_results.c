/* -rpcdoccheck: replies against what a method's entry says of them. */
#include "unit.h"

#include "rpc/result_check.h"

static const struct rpc_result plain[] = {
    {R_OBJ, "", "",
     RESULTS({R_STR, "name", ""}, {R_HEX, "id", "", .nullable = true},
             {R_NUM, "size", "", .optional = true},
             {R_ARR, "list", "", RESULTS({R_BOOL, "", ""}), .optional = true},
             {R_ARR_FIXED, "pair", "", RESULTS({R_NUM, "", ""}, {R_STR, "", ""}),
              .optional = true},
             {R_OBJ_DYN, "map", "", RESULTS({R_AMOUNT, "key", ""}), .optional = true},
             {R_OBJ, "more", "", RESULTS({R_TIME, "time", ""}, {R_MORE, "", ""}),
              .optional = true},
             {R_NUM, "form", "", .optional = true},
             {R_STR, "form", "", .optional = true},
             {R_ANY, "any", "", .optional = true})},
    {.name = NULL},
};
static const struct rpc_result either[] = {
    {R_STR, "", "", .when = "so"},
    {R_NONE, "", "", .when = "or so"},
    {.name = NULL},
};

/* @why: how the first complaint begins; NULL: it fits. */
static const struct {
    const struct rpc_result *doc;
    const char *reply, *why;
} cases[] = {
    {plain, "{\"name\":\"x\",\"id\":\"00ff\"}", NULL},
    {plain, "{\"name\":\"x\",\"id\":null,\"size\":1,\"list\":[true,false]}", NULL},
    {plain, "{\"name\":\"x\",\"id\":\"\",\"pair\":[1,\"a\"],\"map\":{\"a\":1.5}}",
     NULL},
    {plain, "{\"name\":\"x\",\"id\":\"\",\"more\":{\"time\":1,\"b\":[]},\"any\":[{}]}",
     NULL},
    {plain, "{\"name\":\"x\"}", "id: key missing, despite not being optional in doc"},
    {plain, "{\"name\":1,\"id\":\"\"}",
     "name: returned type is number, but declared as string in doc"},
    {plain, "{\"name\":null,\"id\":\"\"}",
     "name: returned type is null, but declared as string in doc"},
    {plain, "{\"name\":\"\",\"id\":\"xy\"}", "id: returned string is not hex"},
    {plain, "{\"name\":\"\",\"id\":\"\",\"new\":1}",
     "new: key returned that was not in doc"},
    {plain, "{\"name\":\"\",\"id\":\"\",\"id\":\"\"}", "id: key returned twice"},
    {plain, "{\"name\":\"\",\"id\":\"\",\"list\":[true,{}]}",
     "list.1: returned type is object, but declared as bool in doc"},
    {plain, "{\"name\":\"\",\"id\":\"\",\"pair\":[1,\"a\",2]}",
     "pair.2: returned type"},
    {plain, "{\"name\":\"\",\"id\":\"\",\"map\":{\"a\":1,\"b\":\"1\"}}",
     "map.b: returned type is string, but declared as number in doc"},
    {plain, "{\"name\":\"\",\"id\":\"\",\"more\":{\"b\":1}}",
     "more: time: key missing"},
    {plain, "{\"name\":\"\",\"id\":\"\",\"form\":1}", NULL},
    {plain, "{\"name\":\"\",\"id\":\"\",\"form\":\"1\"}", NULL},
    {plain, "{\"name\":\"\",\"id\":\"\",\"form\":[]}",
     "form: returned type is array, but declared as number in doc\n"
     "form: returned type is array, but declared as string in doc"},
    {plain, "{\"name\":1,\"id\":\"\",\"form\":\"1\"}", "name: returned type"},
    {plain, "[]", "returned type is array, but declared as object in doc"},
    {plain, "", "returned type is null, but declared as object in doc"},
    {plain, "{\"name\":", "no JSON: "},
    {either, "\"a\"", NULL},
    {either, "null", NULL},
    {either, "", NULL},
    {either, "1",
     "returned type is number, but declared as string in doc\nreturned type"},
    {NULL, "", NULL},
    {NULL, "null", NULL},
    {NULL, "true", "returned type is bool, but declared as null in doc"},
};

static void replies_are_what_the_entry_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct rpc_method m = {.name = "m", .results = cases[i].doc};
        struct bytes reply = bytes_of(cases[i].reply, strlen(cases[i].reply));
        struct buf why = {0};
        struct arena mem;
        arena_init(&mem, 0);
        bool fits = rpc_result_fits(&m, reply, &mem, &why);
        const char *text = buf_cstr(&why);
        if (fits != (cases[i].why == NULL) ||
            (!fits && strncmp(text, cases[i].why, strlen(cases[i].why)) != 0))
            fail_msg("%s: %s", cases[i].reply, text);
        buf_clear(&why);
        arena_clear(&mem);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replies_are_what_the_entry_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
