import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, it } from "vitest";
import { findMarked, type Mark } from "./find-marked.ts";

const mark: Mark = { name: "STACKYARD_PROGRAM", value: "b1f5c5e2" };
const longer = { ...mark, value: `${mark.value}-2` };

it("finds what was started with a variable and leads a group, without what that has started, until it has ended", async () => {
  const start = ({ name, value }: Mark) =>
    spawn("/bin/sh", ["-c", "sleep 60 & echo started; wait"], {
      env: { PATH: "/usr/bin:/bin", [name]: value },
      detached: true,
      stdio: ["ignore", "pipe", "ignore"],
    });
  const children = [start(mark), start(longer)];
  await Promise.all(children.map(({ stdout }) => once(stdout, "data")));
  const found = await findMarked(mark);
  for (const { pid = 0 } of children) process.kill(-pid, "SIGKILL");

  expect(found).toEqual([children[0]?.pid]);
  await expect.poll(() => findMarked(mark)).toEqual([]);
});
