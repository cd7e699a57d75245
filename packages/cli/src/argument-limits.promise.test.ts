import type * as Operations from "@stackyard/core/api/operations";
import type { TProperties, TSchema } from "typebox";
import { afterAll, describe, expect, it, vi } from "vitest";

// Other tests of this process may have loaded the commands already, and may load them later.
vi.resetModules();
afterAll(() => {
  vi.doUnmock("@stackyard/core/api/operations");
  vi.resetModules();
});

/** Marks each argument that is a field of an operation with the field. */
vi.doMock("@stackyard/core/api/operations", async (load) => {
  const core = await load<typeof Operations>();
  const fieldOf = (...given: Parameters<typeof core.fieldOf>) =>
    Object.assign(core.fieldOf(...given), { field: core.fieldOf(given[0], given[1]) });
  return { ...core, fieldOf };
});

/** Arguments with a longest text that is not the limit of a field. The list only becomes shorter. */
const OTHERS: readonly string[] = [
  "send: event",
  "send: id",
  "previews extend: duration",
  "previews reclaim: event",
  "states push: run",
  "states dismiss: run",
  "approvals approve: of",
  "adopt: event",
  "events ls: code",
  "events withdraw: code",
  "events dismiss: code",
  "events redrive: code",
  "simulate_event: event",
  "send_event: event",
  "send_event: id",
];

const LIMITS = ["minLength", "maxLength", "pattern", "format", "minimum", "maximum", "enum"];

function limitsOf(schema: object): object {
  return Object.fromEntries(Object.entries(schema).filter(([key]) => LIMITS.includes(key)));
}

const commands = await (await import("./command-table.ts")).loadAllCommands();
const { TOOLS } = await import("@stackyard/mcp");

function listArguments(): readonly (readonly [string, TSchema & { readonly field?: object }])[] {
  const inputs: readonly (readonly [string, TProperties])[] = [
    ...commands.map(({ name, args }) => [name, args.properties] as const),
    ...TOOLS.map(({ name, input }) => [name, input.properties] as const),
  ];
  return inputs.flatMap(([owner, properties]) =>
    Object.entries(properties).map(([name, schema]) => [`${owner}: ${name}`, schema] as const),
  );
}

describe("an argument of a command or a tool", () => {
  it("has the limits of the field that it is", () => {
    const fields = listArguments().filter(([, { field }]) => field !== undefined);

    expect(fields.length).toBeGreaterThan(50);
    for (const [name, { field = {}, ...schema }] of fields) expect(limitsOf(schema), name).toEqual(limitsOf(field));
  });

  it("is a field of an operation, or one of the few others with a longest text", () => {
    const others = listArguments().filter(([, each]) => each.field === undefined && "maxLength" in each);

    expect(others.map(([name]) => name)).toEqual(OTHERS);
  });
});
