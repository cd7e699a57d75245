import { describe, expect, it } from "vitest";
import { appendPart, createBuffer } from "./log-buffer.ts";
import { findSection, toSections, toShownLines } from "./log-sections.ts";

const toLines = (...texts: readonly string[]) => {
  const text = texts.map((line) => `${line}\n`).join("");
  return appendPart(createBuffer(0), { from: 0, to: new TextEncoder().encode(text).length, text }).lines;
};

describe("sections of a log", () => {
  it("begins one at each step and at each group, and ends it at the next or at its end mark", () => {
    const esc = "\u001b";
    const lines = toLines(
      "before",
      "▸ terraform init",
      "- Installing aws",
      "▸ terraform apply",
      "created",
      `::group::${esc}[32mInstall${esc}[0m`,
      "npm",
      "::endgroup::",
      "between",
      `section_start:1560896352:build[collapsed=true]\r${esc}[0KBuild it`,
      "cc",
      `section_end:1560896353:build\r${esc}[0K`,
      "##[group]Azure",
      "after",
    );

    expect(toSections(lines)).toEqual([
      { head: 1, last: 2, title: "terraform init" },
      { head: 3, last: 4, title: "terraform apply" },
      { head: 5, last: 7, title: "Install" },
      { head: 9, last: 11, title: "Build it" },
      { head: 12, last: 13, title: "Azure" },
    ]);
  });

  it("finds none in a log without marks, nor in lines that only look like one", () => {
    expect(toSections(toLines("a", "section_start: of a book", "# group", "::group", "▸no space", "", "▸"))).toEqual(
      [],
    );
  });

  it("an end without a beginning ends nothing", () => {
    expect(toSections(toLines("::endgroup::", "::group::a", "b"))).toEqual([{ head: 1, last: 2, title: "a" }]);
  });

  it("finds the section of each line, as a search through all of them does", () => {
    const lines = toLines(...Array.from({ length: 100 }, (_, index) => (index % 7 === 3 ? `▸ ${index}` : `${index}`)));
    const sections = toSections(lines);

    for (const index of lines.keys()) {
      expect(findSection(sections, index)).toBe(sections.find(({ head, last }) => head <= index && index <= last));
    }
  });

  it("shows the titles of folded sections, and every line outside of them", () => {
    const sections = toSections(toLines("a", "▸ b", "c", "d", "▸ e", "f", "▸ g"));
    const shown = toShownLines(
      7,
      sections.filter(({ title }) => title !== "e"),
    );

    expect(Array.from({ length: shown.count }, (_, row) => shown.lineOf(row))).toEqual([0, 1, 4, 5, 6]);
    expect([0, 1, 2, 3, 4, 5, 6].map(shown.rowOf)).toEqual([0, 1, 1, 1, 2, 3, 4]);
  });
});
