import { describe, expect, it } from "vitest";
import { createBucket } from "../testing/a-bucket.ts";
import { toCalendarPrefix } from "./calendar-prefix.ts";
import { createS3Calendars } from "./s3-calendars.ts";
import { toMachineObjects } from "./s3-locator.ts";

describe("calendars in S3", () => {
  it.each([
    ["", "calendars/"],
    ["machines", "machines/calendars/"],
    ["machines/", "machines/calendars/"],
    ["team/shop.yaml", "team/calendars/"],
    ["shop.yml", "calendars/"],
  ])("are where the machines are: %j", (prefix, expected) => {
    expect(toCalendarPrefix({ prefix })).toBe(expected);
  });

  it("are read by name, and are not listed as machines", async () => {
    const { client, bucket, sim } = createBucket();
    sim.s3.write("yard", "machines/calendars/office.yaml", "version: 1");
    sim.s3.write("yard", "machines/calendars/night.yml", "version: 1 # night");
    const calendars = createS3Calendars(client, { bucket, prefix: toCalendarPrefix({ prefix: "machines" }) });

    expect(await Promise.all(["office", "night", "none"].map((name) => calendars.read(name)))).toEqual([
      "version: 1",
      "version: 1 # night",
      undefined,
    ]);
    const keys = ["machines/shop.yaml", "machines/calendars/office.yaml", "machines/calendar.yaml"];
    const objects = keys.map((Key) => ({ Key, Size: 1 }));
    expect(toMachineObjects(objects, "machines").map(({ name }) => name)).toEqual(["shop", "calendar"]);
  });
});
