import { expect, it } from "vitest";
import { findFolderProblem } from "./current-folder.ts";

it("names a current folder that was removed", () => {
  const removed = () => {
    throw Object.assign(new Error("ENOENT: process.cwd failed"), { code: "ENOENT" });
  };

  expect([findFolderProblem(removed), findFolderProblem(() => "/srv")]).toEqual([
    expect.stringContaining("does not exist any more"),
    undefined,
  ]);
});
