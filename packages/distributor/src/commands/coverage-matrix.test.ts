import { stripVTControlCharacters } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { aCell, aRow } from "../testing/a-command-world.ts";
import { toCoverageMatrix, toRegionNames } from "./coverage-matrix.ts";

const plain = (text: string) => stripVTControlCharacters(text);

describe("the coverage matrix", () => {
  const rows = [
    aRow([
      aCell({ account: "333344445555", region: "eu-west-1", status: "failed", code: "SHA256_MISMATCH" }),
      aCell({ account: "222233334444", region: "us-east-1", status: "announced" }),
      aCell({ account: "222233334444", region: "eu-west-1" }),
      aCell({ account: "222233334444", region: "ap-southeast-2", status: "present" }),
    ]),
    aRow([aCell({ account: "333344445555", status: "overdue" })], { version: "1.4.1", retired: true }),
  ];

  it("has versions as rows, accounts and regions as columns, and explains its letters", () => {
    expect(
      plain(toCoverageMatrix(rows, { columns: 80 })),
    ).toBe(`                            222233334444     333344445555
ARTIFACT                    apse2 euw1 use1  euw1
billing-api@1.4.2           P     S    A     F
billing-api@1.4.1 (retired) -     -    -     O

S stored  P already present  A announced  O overdue  F failed  - not expected`);
  });

  it("has names of accounts above their ids, as wide as they need", () => {
    const accounts = { "333344445555": "the name of a shop's account" };

    expect(
      plain(toCoverageMatrix(rows, { columns: 80, accounts }))
        .split("\n")
        .slice(0, 3),
    ).toEqual([
      "                                             the name of a shop'…",
      "                            222233334444     333344445555",
      "ARTIFACT                    apse2 euw1 use1  euw1",
    ]);
  });

  it("colours statuses", () => {
    expect(toCoverageMatrix(rows, { columns: 80 })).toContain("\u001b[31mF\u001b[39m");
  });

  it("continues in further blocks when the terminal is too narrow", () => {
    const blocks = plain(toCoverageMatrix(rows, { columns: 45 })).split("\n\n");

    expect(blocks).toHaveLength(3);
    expect(blocks.map((block) => /\d{12}/.exec(block)?.[0])).toEqual(["222233334444", "333344445555", undefined]);
  });

  it("lets no name move a cursor", () => {
    const row = aRow([aCell({ region: "\u001b[2Jeu-west-1" })], { name: "a\u001b]0;x\u0007\nb" });

    const drawn = toCoverageMatrix([row], { columns: 80 });
    expect(drawn.split("\u001b").length - 1).toBe(2);
    expect(drawn).toContain("\u001b[32mS\u001b[39m");
  });

  it("fits whatever terminal has room for a name and an account, and shows every cell once", () => {
    const place = fc.record({
      account: fc.constantFrom("111111111111", "222222222222", "333333333333", "444444444444"),
      region: fc.constantFrom("eu-west-1", "us-east-1", "ap-southeast-2", "il-central-1", "eu-central-1"),
    });
    const cells = fc.uniqueArray(place, {
      minLength: 1,
      maxLength: 20,
      selector: ({ account, region }) => account + region,
    });
    fc.assert(
      fc.property(cells, fc.integer({ min: 40, max: 200 }), (places, columns) => {
        const drawn = plain(toCoverageMatrix([aRow(places.map((each) => aCell(each)))], { columns }));

        const lines = drawn.split("\n").slice(0, -1);
        expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(columns);
        expect(
          drawn
            .match(/^billing-api@1\.4\.2 .*$/gm)
            ?.join("")
            .match(/S/g),
        ).toHaveLength(places.length);
      }),
    );
  });
});

describe("short names of regions", () => {
  it.each([
    ["eu-west-1", "euw1"],
    ["ap-southeast-2", "apse2"],
    ["us-gov-east-1", "usge1"],
    ["il-central-1", "ilc1"],
    ["moon", "moon"],
  ])("%s is %s", (region, name) => {
    expect(toRegionNames([region]).get(region)).toBe(name);
  });

  it("are the long ones where two would be the same", () => {
    expect([...toRegionNames(["eu-west-1", "eu-wonder-1"]).values()]).toEqual(["eu-west-1", "eu-wonder-1"]);
  });
});
