import { describe, expect, it } from "vitest";
import { createLogTail, toHeadAndTail } from "./failure.ts";

describe("createLogTail", () => {
  it("keeps the newest lines", () => {
    const tail = createLogTail(11);
    for (const line of ["one", "two", "three", "four"]) tail.add(line);

    expect(tail.text(100)).toBe("three\nfour");
    expect(tail.text(4)).toBe("four");
  });
});

describe("toHeadAndTail", () => {
  it("keeps the beginning, which names the fault and its place, and the end [atlantis#55]", () => {
    const text = `error: It failed (main.tf:12)\n${"word ".repeat(5000)}the end`;
    const cut = toHeadAndTail(text, 1000);

    expect(cut).toMatch(/^error: It failed \(main\.tf:12\)[\s\S]*\n… \d+ bytes are left out …\n[\s\S]*the end$/);
    expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(1000);
    expect(toHeadAndTail("short", 1000)).toBe("short");
  });
});
