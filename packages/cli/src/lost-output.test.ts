import { EventEmitter } from "node:events";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { countLostOutput } from "./lost-output.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function createDisk() {
  const written: string[] = [];
  const disk = { isFull: false, code: "ENOSPC" };
  // Like standard output, which can be written to again after an error.
  const stream = Object.assign(new EventEmitter(), {
    write(text: string, done: (error?: Error) => void = () => undefined) {
      const error = disk.isFull ? Object.assign(new Error("write failed"), { code: disk.code }) : undefined;
      if (error === undefined) written.push(text);
      done(error);
      if (error !== undefined) stream.emit("error", error);
    },
  });
  return { disk, stream, written };
}

it.each(["ENOSPC", "EIO", "EDQUOT", "EFBIG"])("counts writes that fail with %s, and writes the count later", (code) => {
  const { disk, stream, written } = createDisk();
  disk.code = code;
  const lost = countLostOutput(stream, { onClosedPipe: () => undefined, retryMs: 30 });
  disk.isFull = true;
  for (const line of ["a\n", "b\n", "c\n"]) stream.write(line);
  const counted = lost.count();
  // Twice it cannot say so either.
  vi.advanceTimersByTime(70);
  disk.isFull = false;

  vi.advanceTimersByTime(30);

  expect(counted).toBe(3);
  expect(written).toEqual([expect.stringMatching(/ warn Output was lost: 3 writes failed\.\n$/)]);
});

// Maintainerr/Maintainerr#2812: a server ended when the reader of its log did.
it("passes a closed pipe on, and counts what is lost if the process continues", () => {
  const { disk, stream } = createDisk();
  const onClosedPipe = vi.fn();
  const lost = countLostOutput(stream, { onClosedPipe });
  Object.assign(disk, { isFull: true, code: "EPIPE" });

  stream.write("a\n");

  expect([onClosedPipe.mock.calls.length, lost.count()]).toEqual([1, 1]);
});
