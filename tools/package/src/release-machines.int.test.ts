import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { parse } from "yaml";

const root = join(import.meta.dirname, "../../..");
const files = globSync(["packages/cli/template*/machines/*.yaml", "examples/promotion/**/machines/*.yaml"], {
  cwd: root,
});

interface Machine {
  readonly events?: Readonly<Record<string, { readonly allow?: string }>>;
  readonly states: Readonly<Record<string, { readonly on?: Readonly<Record<string, unknown>> }>>;
  readonly tasks?: Readonly<Record<string, { readonly executor: string; readonly config?: { readonly op?: string } }>>;
}

function isRelease({ tasks = {} }: Machine): boolean {
  return Object.values(tasks).some(({ executor, config }) => executor === "deploy" && config?.op === undefined);
}

// A release acts with the rights of its machine: whoever may send to any stack could start one (CVE-2021-21624).
it("the machines of releases that we ship name who may start one", () => {
  const machines = files.map((file) => [file, parse(readFileSync(join(root, file), "utf8")) as Machine] as const);
  const releases = machines.filter(([, machine]) => isRelease(machine));
  const open = releases.flatMap(([file, { events = {}, states }]) => {
    const first = Object.keys(states["INIT"]?.on ?? {});
    return first.filter((event) => events[event]?.allow === undefined).map((event) => `${file}: ${event}`);
  });

  expect(releases.map(([file]) => file).sort()).toEqual([
    "examples/promotion/demo/machines/shop-release.yaml",
    "examples/promotion/machines/shop-release.yaml",
    "packages/cli/template-promotion/machines/shop-release.yaml",
  ]);
  expect(open).toEqual([]);
});
