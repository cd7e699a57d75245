import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { createCalendarFolder } from "./calendar-folder.ts";

it("reads a calendar of a folder on demand; what cannot be read is not taken for missing", async () => {
  const folder = await mkdtemp(join(tmpdir(), "calendars-"));
  const files = createCalendarFolder(folder);

  expect(await files.read("office")).toBeUndefined();
  await writeFile(join(folder, "office.yml"), "one");
  expect(await files.read("office")).toBe("one");
  await writeFile(join(folder, "office.yaml"), "two");
  expect(await files.read("office")).toBe("two");
  await mkdir(join(folder, "broken.yaml"));
  await expect(files.read("broken")).rejects.toThrow("EISDIR");
  await rm(folder, { recursive: true });
});
