import { expect, it } from "vitest";
import { toOtherErrors } from "./other-errors.ts";

const anError =
  (...messages: string[]) =>
  () =>
    messages.map((message) => ({ message }));

it("names the file of each error that no test has, and where in it", () => {
  const files = [
    { moduleId: "/a.test.ts", errors: anError("cannot be loaded"), children: { allSuites: () => [] } },
    {
      moduleId: "/b.test.ts",
      errors: anError(),
      children: { allSuites: () => [{ fullName: "a store", errors: anError("the hook failed") }] },
    },
  ];
  const unhandled = [
    { message: "lost", VITEST_TEST_PATH: "/c.test.ts", VITEST_TEST_NAME: "waits" },
    { message: "no browser" },
  ];

  expect(toOtherErrors(files, unhandled)).toEqual([
    "/a.test.ts: cannot be loaded",
    "/b.test.ts > a store: the hook failed",
    "/c.test.ts > waits: unhandled error: lost",
    "Vitest: unhandled error: no browser",
  ]);
});
