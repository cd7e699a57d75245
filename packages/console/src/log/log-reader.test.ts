import { describe, expect, it } from "vitest";
import { createLogReader, isTailOnly, PIECE } from "./log-reader.ts";

/** A reader of a log of ASCII text that may grow, and what it has requested. */
function read(initial: string) {
  const log = { text: initial };
  const requests: string[] = [];
  const reader = createLogReader(async (part) => {
    const size = log.text.length;
    const from = "last" in part ? Math.max(0, size - part.last) : part.from;
    const to = "last" in part ? size : Math.min(size, part.to);
    requests.push(`${from}-${to}`);
    return { text: log.text.slice(from, to), from, to: Math.max(from, to), size };
  });
  return { reader, log, requests };
}

const line = (index: number) => `line ${String(index).padStart(10, "0")}\n`;
const long = Array.from({ length: 65_536 }, (_, index) => line(index)).join("");
const has = (text: string) => (shown: string) => shown.includes(text);

describe("createLogReader", () => {
  it("opens a long log at its end with one request, and loads what is before on demand", async () => {
    const { reader, requests } = read(long);

    await reader.open();
    await reader.loadEarlier();

    expect(requests).toEqual([
      `${long.length - PIECE}-${long.length}`,
      `${long.length - 2 * PIECE}-${long.length - PIECE}`,
    ]);
    expect(reader.getState()).toMatchObject({ status: "ready", size: long.length });
    expect(reader.getState().buffer.to).toBe(long.length);
  });

  it("opens at a line with what stands around it", async () => {
    const { reader } = read(long);

    await reader.open(16 * 30_000);

    const { buffer } = reader.getState();
    expect(buffer.from).toBeLessThan(16 * 30_000);
    expect(buffer.lines.find(({ at }) => at === 16 * 30_000)?.text).toBe(line(30_000).trim());
  });

  it("searches the whole log piece by piece, forwards and backwards", async () => {
    const { reader } = read(long);
    await reader.open();

    expect(await reader.find(has("0000000007"), undefined, "next")).toBe(16 * 7);
    expect(await reader.find(has("0000060000"), 16 * 7, "next")).toBe(16 * 60_000);
    expect(await reader.find(has("0000000007"), 16 * 60_000, "previous")).toBe(16 * 7);
    expect(await reader.find(has("0000065000"), undefined, "previous")).toBe(16 * 65_000);
    expect(await reader.find(has("nowhere"), undefined, "next")).toBeUndefined();
    expect(reader.getState().searching).toBeUndefined();
  });

  it("skips the line that it searches from", async () => {
    const { reader } = read("error 1\nok\nerror 2\n");
    await reader.open();

    expect(await reader.find(has("error"), undefined, "next")).toBe(0);
    expect(await reader.find(has("error"), 0, "next")).toBe(11);
    expect(await reader.find(has("error"), 11, "next")).toBeUndefined();
    expect(await reader.find(has("error"), 11, "previous")).toBe(0);
  });

  it("asks whether the log has grown when no part comes, and stays where it is read", async () => {
    const { reader, log, requests } = read("a\n");
    await reader.open();
    await reader.refresh();
    expect(requests).toEqual(["0-2", "1-2"]);

    log.text = "a\nb\n";
    await reader.refresh();
    await expect.poll(() => reader.getState().buffer.lines.map(({ text }) => text)).toEqual(["a", "b"]);
    reader.takePart({ attemptId: "x", offset: 2, text: "b\nc\n" });

    expect(reader.getState().buffer.lines.map(({ text }) => text)).toEqual(["a", "b", "c"]);
  });

  it("takes over live parts, also overlapping ones, and loads what a gap has left out", async () => {
    const { reader, log } = read("a\n");
    await reader.open();

    reader.takePart({ attemptId: "x", offset: 2, text: "b\n" });
    reader.takePart({ attemptId: "x", offset: 2, text: "b\nc\n" });
    reader.takePart({ attemptId: "x", offset: 0, text: "a\n" });
    expect(reader.getState().buffer.lines.map(({ text }) => text)).toEqual(["a", "b", "c"]);

    log.text = "a\nb\nc\nd\ne\n";
    reader.takePart({ attemptId: "x", offset: 8, text: "e\n" });
    await reader.loadLater();
    expect(reader.getState().buffer.lines.map(({ text }) => text)).toEqual(["a", "b", "c", "d", "e"]);
  });

  it("keeps what it has when a request fails", async () => {
    let fails = false;
    const reader = createLogReader(async () => {
      if (fails) throw new Error("gone");
      return { text: "a\n", from: 10, to: 12, size: 20 };
    });
    await reader.open();
    fails = true;
    await reader.loadLater();

    expect(reader.getState().buffer.lines).toHaveLength(1);
    expect(reader.getState().error).toEqual(new Error("gone"));
  });
});

describe("isTailOnly", () => {
  it("knows a log of which only the end was kept", async () => {
    const { reader } = read("… the beginning was cut …\nend\n");
    await reader.open();

    expect(isTailOnly(reader.getState())).toBe(true);
  });
});
