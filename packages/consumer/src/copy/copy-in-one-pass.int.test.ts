import { createHash } from "node:crypto";
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { digest, inChunks } from "../testing/a-copier.ts";
import { stageFile, withFolder } from "./copy-in-one-pass.ts";

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "staged-file-"));
});
afterEach(() => rm(home, { recursive: true }));

describe("a staged file", () => {
  it("contains what arrived, has a digest, and is readable only by its owner", async () => {
    const bytes = Buffer.from("the artifact");
    const whole = createHash("sha256").update("before ");

    const file = await stageFile(join(home, "1"), inChunks(bytes, 5), whole);

    expect([file.size, file.sha256]).toEqual([12, digest(bytes)]);
    expect(whole.digest("hex")).toBe(digest(Buffer.from("before the artifact")));
    expect(((await stat(join(home, "1"))).mode & 0o777).toString(8)).toBe("600");
    expect([await buffer(file.stream()), await buffer(file.stream()), await file.readBytes()]).toEqual([
      ...[bytes, bytes, bytes],
    ]);
  });

  it("is not written over what is there", async () => {
    await stageFile(join(home, "1"), inChunks(Buffer.from("a")));

    await expect(stageFile(join(home, "1"), inChunks(Buffer.from("b")))).rejects.toMatchObject({ code: "EEXIST" });
  });
});

describe("the folder of staged files", () => {
  it("is readable only by its owner, and is deleted with the work, even when the work fails", async () => {
    const seen: string[] = [];
    const work = withFolder(home, async (folder) => {
      await stageFile(join(folder, "1"), inChunks(Buffer.from("a")));
      seen.push(((await stat(folder)).mode & 0o777).toString(8), ...(await readdir(folder)));
      throw new Error("broken");
    });

    await expect(work).rejects.toThrow("broken");
    expect([seen, await readdir(home)]).toEqual([["700", "1"], []]);
  });
});
