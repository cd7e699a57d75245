import { type NewFiles, toKebabCase } from "./new-files.ts";

/**
 * Returns the declaration and the route of a new operation of the API, with a test that fails until a server serves it. A verb of a
 * resource with files of its own gets only the test: it is declared and served with the others.
 */
export function newOperation(name: string, exists: (path: string) => boolean): NewFiles {
  if (!/^[a-z]+(?:[A-Z][a-z0-9]*)+$/.test(name)) {
    throw new Error(
      `"${name}" is not the name of an operation: use a verb and a noun in camel case, such as extendFreeze.`,
    );
  }
  const kebab = toKebabCase(name);
  const { declared, served, isNew } = findPlaces(kebab, exists);
  const test = `packages/server/src/${kebab}.int.test.ts`;
  return {
    files: new Map([
      ...(isNew
        ? ([
            [declared, toDeclaration(name, kebab)],
            [served, toRoute(name)],
          ] as const)
        : []),
      [test, toTest(name)],
      [`.changeset/${kebab}.md`, CHANGESET],
    ]),
    next: [
      `${isNew ? "Choose" : `Declare ${name} beside its neighbors:`} path, permission, fields and answers in ${declared}`,
      ...(isNew
        ? [
            `Export the file in packages/core/src/api/operations/index.ts; add ${name}Route(deps) to packages/server/src/create-server.ts`,
          ]
        : []),
      `Do the work in ${served}, and decide in packages/core/src/services what several callers share: npx vitest run --project int ${test}`,
      `Add it to the tables in packages/server/src/access that say who may call it (permissions.int.test.ts), whether it sends events (event-doors.int.test.ts) and what becomes of its reason (reasons.int.test.ts): they fail until they know it. They and packages/server/src/openapi.int.test.ts send its example; add a line there where the answer is not 200`,
      `SDK: a method that calls call<typeof op.${name}>, in packages/sdk/src; command: fieldOf(${name}, …), in packages/cli/src/commands, and its row in packages/cli/src/command-table.ts`,
      "What else shows it: the page of docs about its resource, the page of packages/console, the tools of packages/mcp if it only reads or sends an event; write the sentence of the changeset",
      "npm run format && npm run generate && npm run api && npm test",
    ],
  };
}

/** The files that declare and serve an operation. */
interface Places {
  readonly declared: string;
  readonly served: string;
  readonly isNew: boolean;
}

function findPlaces(kebab: string, exists: (path: string) => boolean): Places {
  const noun = kebab.slice(kebab.indexOf("-") + 1);
  const named = [noun, noun.replace(/s$/, "")].map((each) => toPlaces(`${each}s`, `${each}-routes`, false));
  // What people do to a stack is apart from how it is read.
  const ofStack = noun === "stack" ? [toPlaces("stack-operations", "operation-routes", false)] : [];
  const [one] = [...ofStack, ...named].filter(({ declared, served }) => exists(declared) && exists(served));
  return one ?? toPlaces(kebab, `${kebab}-route`, true);
}

function toPlaces(declared: string, served: string, isNew: boolean): Places {
  return {
    declared: `packages/core/src/api/operations/${declared}.ts`,
    served: `packages/server/src/routes/${served}.ts`,
    isNew,
  };
}

function toDeclaration(name: string, kebab: string): string {
  return `import { Type } from "typebox";
import { defineOperation, inline, refusal } from "./define-operation.ts";
import { ShortReason } from "./fields.ts";

export const ${name} = defineOperation("POST", "/v1/${kebab}", {
  operationId: "${name}",
  audited: true,
  permission: "repair",
  subject: "list",
  tag: "stacks",
  summary: "Say in one sentence what it does.",
  body: Type.Object({ reason: ShortReason }, { additionalProperties: false }),
  example: { body: { reason: "A test." } },
  answers: {
    200: inline(Type.Object({ done: Type.Boolean() }), "What was done."),
    403: refusal("FORBIDDEN"),
  },
});
`;
}

function toRoute(name: string): string {
  return `import { ${name} } from "@stackyard/core/api/operations";
import type { Route } from "../http/route.ts";
import { reply, serve } from "../http/serve.ts";
import type { RouteDeps } from "./route-deps.ts";

/** Defines the route of \`${name}\`. */
export function ${name}Route(deps: RouteDeps): Route {
  return serve(deps, ${name}, async ({ body: { reason } }, { audit }) => {
    return reply(200, { done: await audit({ on: {}, reason }, async () => false) });
  });
}
`;
}

function toTest(name: string): string {
  return `import { ${name} } from "@stackyard/core/api/operations";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createTestYard, type TestYard } from "./testing/test-yard.ts";

let yard: TestYard;
beforeEach(() => {
  yard = createTestYard();
});
afterEach(() => yard.stop());

it("${name} does its work", async () => {
  const path = ${name}.path.replaceAll(/:\\w+/g, "pr-1");
  const { method, example } = ${name};
  expect(await yard.json(path, { method, body: example?.body })).toEqual({ done: true });
});
`;
}

const CHANGESET = `---
"stackyard": minor
---

Say in a sentence what users can do now.
`;
