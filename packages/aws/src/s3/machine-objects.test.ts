import { describe, expect, it } from "vitest";
import { createBucket } from "../testing/a-bucket.ts";
import { loadMachineObjects, toMachineObjects } from "./machine-objects.ts";

const keysOf = (keys: readonly string[], prefix: string): readonly string[] =>
  toMachineObjects(
    keys.map((key) => ({ Key: key, ETag: '"e"', Size: key.endsWith("/") || key.includes("empty") ? 0 : 5 })),
    prefix,
  ).map(({ key }) => key);

describe("the machines of a place", () => {
  it("are .yml and .yaml objects with something in them", () => {
    const keys = [
      "m/",
      "m/a.yml",
      "m/b.yaml",
      "m/c.json",
      "m/README.md",
      "m/empty.yml",
      "m/.hidden.yml",
      "m/d.yml.bak",
      "m/yml",
    ];

    expect(keysOf(keys, "m")).toEqual(["m/a.yml", "m/b.yaml"]);
  });

  it("lie in sub-folders too, and are named after the object alone", () => {
    const objects = toMachineObjects([{ Key: "m/team/re.view.yaml", ETag: '"e"', Size: 5 }], "m/");

    expect(objects).toEqual([{ key: "m/team/re.view.yaml", name: "re.view", etag: '"e"', bytes: 5 }]);
  });

  it.each([
    ["machines", ["machines/a.yml"]],
    ["machines/", ["machines/a.yml"]],
    ["machines-old", ["machines-old/b.yml"]],
    ["machines/a.yml", ["machines/a.yml"]],
    ["", ["machines-old/b.yml", "machines/a.yml", "prod-1.yml", "prod-2.yml"]],
    ["prod-", ["prod-1.yml", "prod-2.yml"]],
  ])("under %j never bring in what lies beside it", (prefix, expected) => {
    const all = ["machines-old/b.yml", "machines/a.yml", "prod-1.yml", "prod-2.yml"];

    expect(
      keysOf(
        all.filter((key) => key.startsWith(prefix)),
        prefix,
      ),
    ).toEqual(expected);
  });

  it("of a folder that holds none are none, although others begin with its name", () => {
    expect(keysOf(["machines-old/b.yml", "machines/"], "machines")).toEqual([]);
  });

  it("are found beyond the first thousand objects", async () => {
    const { client, bucket, sim } = createBucket();
    for (let n = 0; n < 2_001; n += 1) sim.s3.write("yard", `m/${n}.yml`, "x");

    expect(await loadMachineObjects(client, { bucket, prefix: "m" })).toHaveLength(2_001);
    expect(sim.calls.map(({ operation }) => operation)).toEqual(Array(3).fill("S3.ListObjectsV2"));
  });
});
