import { describe, expect, it } from "vitest";
import { diffStates } from "./diff-states.ts";

interface Instance {
  readonly index_key?: string | number;
  readonly attributes: object;
}

const toState = (resources: Readonly<Record<string, readonly Instance[]>>, module?: string) =>
  JSON.stringify({
    version: 4,
    resources: Object.entries(resources).map(([name, instances]) => ({
      ...(module !== undefined && { module }),
      mode: "managed",
      type: "terraform_data",
      name,
      instances,
    })),
  });

describe("diffStates", () => {
  it("names resources that were added, removed and changed, and the attributes, without values", () => {
    const before = toState({ app: [{ attributes: { input: "secret-1", id: "a" } }], old: [{ attributes: {} }] });
    const after = toState({ app: [{ attributes: { input: "secret-2", id: "a" } }], new: [{ attributes: {} }] });

    expect(diffStates(before, after)).toEqual([
      { address: "terraform_data.app", change: "changed", attributes: ["input"] },
      { address: "terraform_data.new", change: "added", attributes: [] },
      { address: "terraform_data.old", change: "removed", attributes: [] },
    ]);
  });

  it("distinguishes instances of count, for_each and modules", () => {
    const after = toState(
      {
        web: [
          { index_key: 0, attributes: {} },
          { index_key: "eu", attributes: {} },
        ],
      },
      "module.site",
    );

    expect(diffStates(toState({}), after).map(({ address }) => address)).toEqual([
      'module.site.terraform_data.web["eu"]',
      "module.site.terraform_data.web[0]",
    ]);
  });

  it("returns nothing for equal states", () => {
    const state = toState({ app: [{ attributes: { input: { a: [1] } } }] });

    expect(diffStates(state, state)).toEqual([]);
  });

  it.each(["{}", "[]", "null"])("refuses %s", (text) => {
    expect(() => diffStates(text, toState({}))).toThrow("This is not a Terraform state of format 4.");
  });
});
