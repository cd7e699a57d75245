import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { countChanges, readPlanDocument, toPlanSummary } from "./plan-document.ts";

const resource = (address: string, change: object, more: object = {}) => ({
  address,
  mode: "managed",
  type: address.split(".").at(-2),
  name: address.split(".").at(-1),
  provider_name: "registry.terraform.io/hashicorp/aws",
  change,
  ...more,
});

const read = (text: string, mask = (each: string) => each) => readPlanDocument({ bytes: Buffer.from(text) }, mask);
const parse = (document: object, mask?: (text: string) => string) =>
  read(JSON.stringify({ format_version: "1.2", ...document }), mask);

const changesOf = async (...changes: readonly object[]) => (await parse({ resource_changes: changes }))?.changes ?? [];

describe("readPlanDocument", () => {
  it.each([{ errored: true }, { complete: false }])("does not take a part of a plan for the plan: %o", async (part) => {
    expect(await parse({ resource_changes: [], ...part })).toBeUndefined();
    expect(await parse({ resource_changes: [], errored: false, complete: true })).toEqual({
      changes: [],
      drift: [],
      failedChecks: [],
    });
  });

  it("does not take a text that ends early for a plan, wherever it ends", async () => {
    const change = { actions: ["delete"], before: { a: "}" }, after: null };
    const text = JSON.stringify({ format_version: "1.2", resource_changes: [resource("aws_instance.a", change)] });
    const parts = await Promise.all(Array.from(text, (_, at) => read(text.slice(0, at))));

    expect(new Set(parts)).toEqual(new Set([undefined]));
    expect((await read(text))?.changes).toHaveLength(1);
  });

  it("masks what Terraform marks as sensitive, at any depth, and what the run masks", async () => {
    const mask = (text: string) => text.replaceAll("s3cr3t", "***");
    const change = {
      actions: ["update"],
      before: {
        password: "old",
        tags: { a: "x", b: "y" },
        list: [{ key: "1" }, { key: "2" }],
        url: "db://s3cr3t@host",
      },
      after: { password: "new", tags: { a: "x", b: "z" }, list: [{ key: "1" }, { key: "3" }], url: null },
      after_unknown: { url: true },
      before_sensitive: { password: true, tags: { b: true }, list: [{}, { key: true }] },
      after_sensitive: { password: true, tags: { b: true }, list: [{}, { key: true }], url: true },
    };

    const document = await parse({ resource_changes: [resource("aws_db_instance.main", change)] }, mask);

    expect(document?.changes).toEqual([
      {
        address: "aws_db_instance.main",
        type: "aws_db_instance",
        name: "main",
        provider: "registry.terraform.io/hashicorp/aws",
        actions: ["update"],
        before: {
          password: "***",
          tags: { a: "x", b: "***" },
          list: [{ key: "1" }, { key: "***" }],
          url: "db://***@host",
        },
        after: { password: "***", tags: { a: "x", b: "***" }, list: [{ key: "1" }, { key: "***" }], url: null },
        unknown: { url: true },
        isImport: false,
        // Compared before they are masked.
        changedAttributes: ["password", "tags", "list", "url"],
      },
    ]);
  });

  it("masks a whole value that is sensitive", async () => {
    const [change] = await changesOf(
      resource("a.b", {
        actions: ["create"],
        before: null,
        after: { x: 1 },
        before_sensitive: false,
        after_sensitive: true,
      }),
    );

    expect(change).toMatchObject({ before: null, after: "***" });
  });

  it("leaves out data sources", async () => {
    expect(await changesOf({ ...resource("data.a.b", { actions: ["read"] }), mode: "data" })).toEqual([]);
  });

  it.each(["", "null", "[]", "{}", "{", '{"format_version":1}'])("does not take %j for a plan", async (text) => {
    expect(await read(text)).toBeUndefined();
  });

  it("never throws, and shows no value that is marked, whatever the document", async () => {
    const marked = fc.letrec((tie) => ({
      node: fc.oneof(
        { maxDepth: 4 },
        fc.constant({ value: "SECRET", mark: true }),
        fc.record({ value: fc.oneof(fc.integer(), fc.constantFrom("plain", null)), mark: fc.constantFrom(false, {}) }),
        fc.array(tie("node"), { maxLength: 3 }).map((items) => ({
          value: items.map((item) => (item as { value: unknown }).value),
          mark: items.map((item) => (item as { mark: unknown }).mark),
        })),
        fc.dictionary(fc.string(), tie("node"), { maxKeys: 3 }).map((entries) => ({
          value: Object.fromEntries(
            Object.entries(entries).map(([key, item]) => [key, (item as { value: unknown }).value]),
          ),
          mark: Object.fromEntries(
            Object.entries(entries).map(([key, item]) => [key, (item as { mark: unknown }).mark]),
          ),
        })),
      ),
    })).node;
    await fc.assert(
      fc.asyncProperty(marked, async (node) => {
        const { value, mark } = node as { value: unknown; mark: unknown };
        const change = { actions: ["create"], after: { value }, after_sensitive: { value: mark } };

        expect(JSON.stringify(await changesOf(resource("a.b", change)))).not.toContain("SECRET");
      }),
    );
    await fc.assert(
      fc.asyncProperty(fc.json(), fc.json(), async (changes, drift) => {
        await read(`{"format_version":"1.2","resource_changes":[${changes}],"resource_drift":${drift}}`);
      }),
    );
  });
});

describe("the counts of a plan", () => {
  it("count a replacement twice, in either order, and imports and moves in addition to other changes", async () => {
    const counts = countChanges(
      await changesOf(
        resource("a.create", { actions: ["create"] }),
        resource("a.update", { actions: ["update"] }, { previous_address: "a.old" }),
        resource("a.delete", { actions: ["delete"] }),
        resource("a.replace", { actions: ["delete", "create"] }),
        resource("a.first", { actions: ["create", "delete"] }),
        resource("a.import", { actions: ["no-op"], importing: { id: "i-1" } }),
        resource("a.same", { actions: ["no-op"] }),
        resource("a.removed", { actions: ["forget"] }),
      ),
    );

    expect(counts).toEqual({ adds: 3, changes: 1, destroys: 3, replacements: 2, imports: 1, moves: 1, forgets: 1 });
    expect(toPlanSummary(counts)).toBe(
      "Plan: 1 to import, 1 to move, 3 to add, 1 to change, 3 to destroy (2 replaced), 1 to forget.",
    );
  });
});

it("keeps the digits of large numbers, and sees that two of them differ [terraform#27438]", async () => {
  const text = `{"format_version":"1.2","resource_changes":[{"address":"a.b","mode":"managed","type":"a","name":"b",
    "change":{"actions":["update"],"before":{"id":9007199254740992,"size":1},"after":{"id":9007199254740993,"size":1}}}]}`;

  const [change] = (await read(text))?.changes ?? [];

  expect(change?.after).toEqual({ id: "9007199254740993", size: 1 });
  expect(change?.changedAttributes).toEqual(["id"]);
});
