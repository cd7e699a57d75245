import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { build, type Rolldown } from "vite";
import { expect, it } from "vitest";
import { sourceAliases } from "../../vite.base.ts";
import { tasks } from "./src/machine/tasks.ts";
import { smallTypebox } from "./vite.typebox.ts";

const machines = join(import.meta.dirname, "../core/fixtures/machines");

/** Returns the tasks of the worker as the build of the console bundles them. */
async function loadBundled(): Promise<typeof tasks> {
  const built = await build({
    configFile: false,
    logLevel: "error",
    resolve: { alias: sourceAliases },
    plugins: [smallTypebox()],
    build: {
      write: false,
      minify: false,
      lib: { entry: join(import.meta.dirname, "src/machine/tasks.ts"), formats: ["es"] },
      rolldownOptions: { output: { codeSplitting: false } },
    },
  });
  const [{ output }] = [built].flat() as [Rolldown.RolldownOutput];
  const { tasks: bundled } = await import(
    `data:text/javascript;base64,${Buffer.from(output[0].code).toString("base64")}`
  );
  return bundled;
}

it("changes nothing of what the worker of machines answers", async () => {
  const bundled = await loadBundled();
  const executors = await tasks.executors(undefined);
  const texts = ["valid", "invalid", "valid-v2", "invalid-v2"].flatMap((kind) =>
    readdirSync(join(machines, kind)).map((file) => ({
      name: file.replace(/\..*$/, ""),
      text: readFileSync(join(machines, kind, file), "utf8"),
      executors,
    })),
  );

  expect(await bundled.executors(undefined)).toEqual(executors);
  expect(bundled.schemas(undefined)).toEqual(tasks.schemas(undefined));
  for (const each of texts) expect(await bundled.parse(each)).toEqual(await tasks.parse(each));
  expect(texts.length).toBeGreaterThan(20);
});
