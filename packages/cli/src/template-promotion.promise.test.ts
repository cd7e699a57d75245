import { readFileSync } from "node:fs";
import { parseMachine } from "@stackyard/core/machine";
import { expect, it } from "vitest";

it.each(["packages/cli/template-promotion", "examples/promotion", "examples/promotion/demo"])(
  "decides each event of a person in each state: none is parked, to act on a release later: %s",
  (folder) => {
    const path = new URL(`../../../${folder}/machines/shop-release.yaml`, import.meta.url);
    const { machine, problems } = parseMachine(readFileSync(path, "utf8"), { name: "shop-release" });

    expect(problems.filter(({ severity }) => severity === "error")).toEqual([]);
    const states = [...(machine?.states.values() ?? [])].filter(({ name, terminal }) => name !== "INIT" && !terminal);
    expect(states.map(({ name }) => name)).toContain("REVIEW");
    const parked = states.flatMap(({ name, on }) =>
      ["AGAIN", "STOP", "ROLLBACK", "END"].filter((event) => !on.has(event)).map((event) => `${name} ${event}`),
    );
    expect(parked).toEqual([]);
  },
);
