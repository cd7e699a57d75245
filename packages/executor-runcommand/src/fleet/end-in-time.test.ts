import { describe, expect, it } from "vitest";
import { endInTime } from "./end-in-time.ts";

const never = () => new Promise<never>(() => {});

describe("endInTime", () => {
  it("gives what the work gives, and throws what it throws", async () => {
    const { signal } = new AbortController();

    expect(await endInTime(signal, async () => 1)).toBe(1);
    await expect(endInTime(signal, () => Promise.reject(new Error("No.")))).rejects.toThrow("No.");
  });

  it("waits no longer than the signal lets it", async () => {
    const time = new AbortController();

    const ending = endInTime(time.signal, never);
    time.abort();

    await expect(ending).rejects.toMatchObject({ code: "FLEET_OUT_OF_TIME" });
  });

  it("does not wait when the time is over already", async () => {
    await expect(endInTime(AbortSignal.abort(), never)).rejects.toMatchObject({ code: "FLEET_OUT_OF_TIME" });
  });
});
