import { describe, expect, it } from "vitest";
import { compareStates, findChange, findForeignProviders, findShared, parseState, toShown } from "./state-document.ts";

const RESOURCE = { mode: "managed", type: "terraform_data", name: "app", instances: [{}] };
const toBytes = (value: unknown) => Buffer.from(JSON.stringify(value));
const aState = (changes: object = {}) => ({ version: 4, serial: 7, lineage: "a", resources: [RESOURCE], ...changes });

async function parse(changes: object = {}) {
  const parsed = await parseState(toBytes(aState(changes)));
  if (parsed.kind !== "state") throw new Error(parsed.reason);
  return parsed;
}

describe("a state that is taken over", () => {
  it("is known by lineage, serial and resources, without data sources", async () => {
    const data = { ...RESOURCE, mode: "data" };

    expect((await parse({ resources: [RESOURCE, data, RESOURCE] })).facts).toEqual({
      lineage: "a",
      serial: 7,
      resources: 2,
      providers: [],
    });
  });

  it("names its providers, also those of data sources, modules and aliases", async () => {
    const given = (provider: unknown) => ({ ...RESOURCE, provider });
    const resources = [
      given('module.a.provider["registry.terraform.io/hashicorp/aws"].west'),
      given('provider["registry.terraform.io/hashicorp/aws"]'),
      { ...given('provider["localhost:47692/evil/evil"]'), mode: "data" },
      given('provider["terraform.io/builtin/terraform"]'),
      given("provider.aws"),
      given(7),
    ];

    const { providers } = (await parse({ resources })).facts;

    expect(providers).toEqual([
      "localhost:47692/evil/evil",
      "provider.aws",
      "registry.terraform.io/hashicorp/aws",
      "terraform.io/builtin/terraform",
    ]);
    expect(findForeignProviders(providers, [])).toEqual(["localhost:47692/evil/evil", "provider.aws"]);
    expect(findForeignProviders(providers, ["localhost:47692"])).toEqual(["provider.aws"]);
  });

  it.each(["a\nadopted  shop", "a\u001b[32m", "a b", "x".repeat(129), "\u202ea"])(
    "has no lineage like %j",
    async (lineage) => {
      expect(await parseState(toBytes(aState({ lineage })))).toMatchObject({ kind: "refused" });
    },
  );

  it("is refused for a version of any depth", async () => {
    const deep = `{"version":${"[".repeat(100_000)}${"]".repeat(100_000)},"lineage":"a"}`;

    expect(await parseState(Buffer.from(deep))).toMatchObject({ kind: "refused" });
    expect(await parseState(toBytes(aState({ version: { a: 1 } })))).toMatchObject({ kind: "refused" });
  });

  it("is refused when it has more values than fit into memory", async () => {
    const text = JSON.stringify(aState({ other: [] })).replace("[]", `[${"[],".repeat(2_100_000)}[]]`);

    expect(await parseState(Buffer.from(text))).toMatchObject({
      kind: "refused",
      reason: expect.stringContaining("4000000 values"),
    });
  });

  it("shows texts of others in one line, bounded, and nothing else", () => {
    expect(toShown("ann@host\nadopted \u001b[32mshop")).toBe("ann@host adopted [32mshop");
    expect(toShown("x".repeat(300))).toHaveLength(200);
    expect([undefined, {}, 7, "", "\n"].map(toShown)).toEqual(Array(5).fill(undefined));
  });

  it("keeps every byte, also numbers that JavaScript would round", async () => {
    const text = JSON.stringify(aState()).replace('"serial":7', '"serial":7,"x":12345678901234567890');

    expect(await parseState(Buffer.from(text))).toMatchObject({ text });
  });

  it.each([
    ["no JSON", Buffer.from("{ not json"), "It is not a JSON object."],
    ["a page that says no", Buffer.from('"<html>"'), "It is not a JSON object."],
    ["another encoding", Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), "It is not UTF-8."],
    ["nothing", Buffer.from(""), "It is not a JSON object."],
    ["format 3", toBytes(aState({ version: 3 })), "Its format is 3, not 4."],
    ["no format", toBytes({ lineage: "a" }), "Its format is missing, not 4."],
    ["no lineage", toBytes(aState({ lineage: undefined })), "It has no lineage."],
    ["no serial", toBytes(aState({ serial: "7" })), "It has no serial."],
    ["no resources", toBytes(aState({ resources: {} })), "It has no list of resources."],
    ["an empty state", toBytes(aState({ resources: [] })), "It has no resources"],
    ["only data sources", toBytes(aState({ resources: [{ ...RESOURCE, mode: "data" }] })), "It has no resources"],
    ["OpenTofu's encryption [opentofu/opentofu#874]", toBytes({ encrypted_data: "x" }), "It is encrypted."],
  ])("is refused: %s", async (_, bytes, reason) => {
    expect(await parseState(bytes)).toMatchObject({ kind: "refused", reason: expect.stringContaining(reason) });
  });
});

describe("a state under a key", () => {
  it.each([
    ["is new where the yard has none", undefined, { kind: "new" }],
    ["is the same where the yard has it already", JSON.stringify(aState()), { kind: "same" }],
    [
      "is refused over another environment [hashicorp/terraform#15712, hashicorp/terraform#25761]",
      JSON.stringify(aState({ lineage: "b" })),
      "(lineage b, not a)",
    ],
    ["is refused over a newer one", JSON.stringify(aState({ serial: 9 })), "serial 9, not 7"],
    ["is refused over an older one", JSON.stringify(aState({ serial: 6 })), "serial 6, not 7"],
    [
      "is refused over one of the same serial that was edited",
      JSON.stringify(aState({ outputs: {} })),
      "same serial 7",
    ],
    ["is refused over one that cannot be read", "{", "another environment"],
  ])("%s", async (_, kept, expected) => {
    const refused = { kind: "refused", reason: expect.stringContaining(String(expected)) };

    expect(await compareStates(await parse(), kept)).toEqual(typeof expected === "string" ? refused : expected);
  });

  it.each([
    ["that nothing has written is unchanged", {}, undefined],
    ["that was written since is known by its serial", { serial: 8 }, "serial 8, not 7"],
    ["that was edited by hand is known by its content", { outputs: {} }, "other content with the same serial 7"],
    ["that another environment has replaced is known by its lineage", { lineage: "b" }, "lineage b, not a"],
    [
      "that has been destroyed since is refused",
      { resources: [] },
      "It has no resources: there is nothing to take over.",
    ],
  ])("%s", async (_, changes, expected) => {
    expect(findChange(await parse(), await parseState(toBytes(aState(changes))))).toBe(expected);
  });

  it("that several stacks have is found by its lineage", () => {
    const shared = findShared([
      { stack: "shop", lineage: "a" },
      { stack: "blog", lineage: "b" },
      { stack: "docs", lineage: "a" },
      { stack: "wiki", lineage: "c" },
      { stack: "wiki", lineage: "c" },
    ]);

    expect([...shared]).toEqual([
      ["a", ["shop", "docs"]],
      ["c", ["wiki", "wiki"]],
    ]);
  });
});
