import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isMap, listSchemaFaults } from "@stackyard/core";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { parseCalendar } from "./calendars/calendar.ts";
import { isOpen } from "./calendars/calendar-hours.ts";
import { GateConfig } from "./gate/definition.ts";

const read = (path: string) => readFileSync(join(import.meta.dirname, path), "utf8");
const page = read("../../../docs/promotion.md");
const recipes = read("../../../docs/promotion-recipes.md");
const readme = read("../README.md");

/** Returns the YAML blocks of a page. */
function listBlocks(text: string): readonly string[] {
  return [...text.matchAll(/^```yaml(?: fragment)?\n(.*?)^```$/gms)].map(([, block = ""]) => block);
}

/** Returns the configs of the gates of a page. */
function listGates(text: string): readonly unknown[] {
  return listBlocks(text).flatMap((block) => {
    const { tasks } = Object(parse(block));
    return isMap(tasks) ? Object.values(tasks).filter((task) => Object(task).executor === "gate") : [];
  });
}

describe("the page about promotion", () => {
  it("shows a calendar that is read, and open as it says", () => {
    const calendars = listBlocks(page).filter((block) => block.includes("\nopen:"));
    const parsed = calendars.map(parseCalendar);

    expect(parsed).toMatchObject([{ kind: "calendar" }]);
    const open = parsed.map((each) => {
      const at = (text: string) => each.kind === "calendar" && isOpen(each.calendar, "Europe/Berlin", Date.parse(text));
      return [
        at("2026-11-26T12:00:00Z"),
        at("2026-11-27T12:00:00Z"),
        at("2026-11-28T00:30:00Z"),
        at("2026-12-24T12:00:00Z"),
      ];
    });
    expect(open).toEqual([[true, false, true, false]]);
  });

  it("its recipes and the README show gates that fit the schema", () => {
    const gates = [page, recipes, readme].flatMap(listGates);

    expect(gates.length).toBe(6);
    for (const gate of gates) expect(listSchemaFaults(GateConfig, Object(gate).config)).toEqual([]);
  });

  it("the README lists the keys of a gate in the order of the schema", () => {
    const table = /## gate\n.*?\| config \| \| \|\n\|---\|---\|---\|\n(.*?)\n\n/s.exec(readme)?.[1] ?? "";
    const keys = table.split("\n").map((row) => /^\| `(\w+)`/.exec(row)?.[1]);

    expect(keys).toEqual(Object.keys(GateConfig.properties));
  });
});
