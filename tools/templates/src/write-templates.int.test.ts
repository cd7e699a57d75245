import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { writeTemplates } from "./write-templates.ts";

const SOURCES = { consumer: { copy: "exports.handler = 1;", resources: "exports.bucket = 1;" } };
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "stackyard-templates-"));
});
afterEach(() => rm(folder, { recursive: true }));

const write = (name: string) => writeTemplates(join(folder, name), SOURCES);

describe("writeTemplates", () => {
  it("writes a template for the whole yard and those of the apps, into a folder that it makes", async () => {
    const written = await writeTemplates(join(folder, "a/b"), SOURCES);

    const templates = [
      ...["consumer", "consumer-zip", "consumers-rollout", "distributor"],
      ...["ecs-task", "fleet", "fleet-instances", "services", "releases", "releases-account"],
      ...["state-manager", "task-runner", "yard"],
    ];
    const names = templates.map((name) => `${name}.template.json`).toSorted();
    expect((await readdir(join(folder, "a/b"))).toSorted()).toEqual(names);
    expect(written.map(({ file }) => file).toSorted()).toEqual(names.map((name) => join(folder, "a/b", name)));
  });

  it("writes the same bytes each time", async () => {
    const [one, two] = [await write("one"), await write("two")];

    expect(two.map(({ sha256 }) => sha256)).toEqual(one.map(({ sha256 }) => sha256));
    const body = await readFile(join(folder, "one/yard.template.json"), "utf8");
    expect(JSON.parse(body)).toHaveProperty("Resources");
  });
});
