import { describe, expect, it } from "vitest";
import { parseEngineSettings } from "./engine-settings.ts";

describe("parseEngineSettings", () => {
  it("leaves to the engine what nobody names", () => {
    expect(parseEngineSettings({})).toEqual({ engine: {} });
    expect(parseEngineSettings({ REFUSED_EVENTS: "", HISTORY_RETENTION_DAYS: "" })).toEqual({ engine: {} });
  });

  it("reads every variable", () => {
    const env = {
      REFUSED_EVENTS: "drop",
      REFUSED_EVENTS_KEEP: "90m",
      AUTOMATIC_TRANSITIONS_PER_HOUR: "50",
      HISTORY_RETENTION_DAYS: "365",
      ALLOW_EXTERNAL_NEXT: "true",
    };

    expect(parseEngineSettings(env)).toEqual({
      engine: {
        refusedEvents: "drop",
        parking: { keepMs: 5_400_000 },
        limits: { automaticEntriesPerHour: 50 },
        allowExternalNext: true,
      },
      retention: { historyMs: 31_536_000_000 },
    });
  });

  it.each([
    ["REFUSED_EVENTS", "keep"],
    ["REFUSED_EVENTS", "redeliver"],
    ["REFUSED_EVENTS_KEEP", "long"],
    ["AUTOMATIC_TRANSITIONS_PER_HOUR", "0"],
    ["AUTOMATIC_TRANSITIONS_PER_HOUR", "1e3"],
    ["HISTORY_RETENTION_DAYS", "-1"],
    ["HISTORY_RETENTION_DAYS", "1.5"],
    ["ALLOW_EXTERNAL_NEXT", "yes"],
  ])("refuses %s=%s", (name, value) => {
    const told = expect.objectContaining({
      code: "CONFIG_INVALID",
      message: expect.stringContaining(`${name} must be`),
    });

    expect(() => parseEngineSettings({ [name]: value })).toThrow(told);
  });

  it("lists all faults at once", () => {
    const env = { REFUSED_EVENTS: "keep", HISTORY_RETENTION_DAYS: "x" };

    expect(() => parseEngineSettings(env)).toThrow(/REFUSED_EVENTS must[\s\S]*HISTORY_RETENTION_DAYS must/);
  });
});
