import { describe, expect, it } from "vitest";
import { type ComparedContainer, criteriaChanged } from "./criteria-changed.ts";

const CRITERIA = [{ container: "app", environmentKeys: ["A", "B"] }];

function aDefinition(app: Omit<ComparedContainer, "name"> = {}, ...others: ComparedContainer[]) {
  return { containerDefinitions: [{ name: "app", ...app }, ...others] };
}

function variables(values: Readonly<Record<string, string>>) {
  return { environment: Object.entries(values).map(([name, value]) => ({ name, value })) };
}

function overriding(values: Readonly<Record<string, string>>, name = "app") {
  return { containerOverrides: [{ name, ...variables(values) }] };
}

describe("criteriaChanged", () => {
  it("finds nothing in equal environments, whatever their order", () => {
    const before = aDefinition(variables({ A: "1", B: "2", C: "3" }));
    const after = aDefinition(variables({ C: "4", B: "2", A: "1" }));

    expect(criteriaChanged(CRITERIA, before, after, {}, {})).toEqual([]);
  });

  it("names container and variable of each difference, and no value", () => {
    const before = aDefinition(variables({ A: "1", B: "2" }));
    const after = aDefinition(variables({ A: "2", B: "1" }));

    expect(criteriaChanged(CRITERIA, before, after, {}, {})).toEqual([
      { container: "app", key: "A" },
      { container: "app", key: "B" },
    ]);
  });

  it("sees what two variables have swapped", () => {
    const [before, after] = [variables({ A: "1", B: "2" }), variables({ A: "2", B: "1" })].map((app) =>
      aDefinition(app),
    );

    expect(criteriaChanged(CRITERIA, before, after ?? {}, {}, {})).toHaveLength(2);
  });

  it("tells absent from empty", () => {
    const empty = aDefinition(variables({ A: "" }));

    expect(criteriaChanged(CRITERIA, aDefinition(), empty, {}, {})).toEqual([{ container: "app", key: "A" }]);
    expect(criteriaChanged(CRITERIA, empty, aDefinition(), {}, {})).toEqual([{ container: "app", key: "A" }]);
    expect(criteriaChanged(CRITERIA, aDefinition(), aDefinition(), {}, {})).toEqual([]);
  });

  it("compares secrets by their references", () => {
    const secret = (valueFrom: string) => aDefinition({ secrets: [{ name: "A", valueFrom }] });

    expect(criteriaChanged(CRITERIA, secret("arn:1"), secret("arn:1"), {}, {})).toEqual([]);
    expect(criteriaChanged(CRITERIA, secret("arn:1"), secret("arn:2"), {}, {})).toEqual([
      { container: "app", key: "A" },
    ]);
    expect(criteriaChanged(CRITERIA, aDefinition(variables({ A: "arn:1" })), secret("arn:1"), {}, {})).toHaveLength(1);
  });

  it("lets overrides stand above the definition, of their own container only", () => {
    const definition = aDefinition(variables({ A: "1" }), { name: "other" });

    expect(criteriaChanged(CRITERIA, definition, definition, {}, overriding({ A: "2" }))).toHaveLength(1);
    expect(criteriaChanged(CRITERIA, definition, definition, {}, overriding({ A: "1" }))).toEqual([]);
    expect(criteriaChanged(CRITERIA, definition, definition, {}, overriding({ A: "2" }, "other"))).toEqual([]);
    expect(criteriaChanged(CRITERIA, definition, definition, overriding({ A: "2" }), overriding({ A: "2" }))).toEqual(
      [],
    );
    expect(criteriaChanged(CRITERIA, definition, definition, undefined, undefined)).toEqual([]);
  });

  it("counts a variable that moves from the definition into an override as the same", () => {
    const before = aDefinition(variables({ A: "1" }));

    expect(criteriaChanged(CRITERIA, before, aDefinition(), {}, overriding({ A: "1" }))).toEqual([]);
  });

  it("lets the last of two entries with one name win", () => {
    const twice = aDefinition({ environment: [...variables({ A: "1" }).environment, { name: "A", value: "2" }] });

    expect(criteriaChanged(CRITERIA, twice, aDefinition(variables({ A: "2" })), {}, {})).toEqual([]);
  });

  it("takes a container that only the new definition has for one that had no variables", () => {
    const criteria = [{ container: "new", environmentKeys: ["A", "B"] }];
    const after = aDefinition({}, { name: "new", ...variables({ A: "1" }) });

    expect(criteriaChanged(criteria, aDefinition(), after, {}, {})).toEqual([{ container: "new", key: "A" }]);
  });

  it("refuses a container that the new definition lacks, and says which it has", () => {
    const criteria = [
      { container: "app", environmentKeys: ["A"] },
      { container: "ap", environmentKeys: ["A"] },
    ];

    expect(criteriaChanged(criteria, aDefinition(), aDefinition({}, { name: "log" }), {}, {})).toEqual({
      kind: "rejected",
      code: "ECS_CRITERIA_CONTAINER",
      reason: "UpdateCriteria names ap, and the task definition has no such container. It has: app, log.",
    });
  });

  it("has everything changed where there was no definition", () => {
    expect(criteriaChanged(CRITERIA, undefined, aDefinition(), {}, {})).toEqual([
      { container: "app", key: "A" },
      { container: "app", key: "B" },
    ]);
  });

  it("names a difference once, in the order of the criteria", () => {
    const criteria = [...CRITERIA, { container: "app", environmentKeys: ["C", "A"] }];
    const after = aDefinition(variables({ A: "1", C: "2" }));

    expect(criteriaChanged(criteria, aDefinition(), after, {}, {})).toEqual([
      { container: "app", key: "A" },
      { container: "app", key: "C" },
    ]);
  });

  it("is not fooled by names that every object has", () => {
    const criteria = [{ container: "app", environmentKeys: ["constructor", "__proto__"] }];

    expect(criteriaChanged(criteria, aDefinition(), aDefinition(), {}, {})).toEqual([]);
  });
});
