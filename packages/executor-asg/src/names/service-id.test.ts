import { describe, expect, it } from "vitest";
import { serviceId } from "./service-id.ts";

const release = {
  project_name: "coinbase/deploy-test",
  config_name: "development",
  created_at: "2020-01-02T03:04:05Z",
};

describe("serviceId", () => {
  it("is made of project, config, time and service", () => {
    expect(serviceId(release, "web")).toBe("coinbase/deploy-test-development-2020-01-02T03-04-05Z-web");
  });

  it("takes a service, too", () => {
    expect(serviceId(release, { service_name: "web" })).toBe(serviceId(release, "web"));
  });

  it.each([
    ["2020-01-02T03:04:05.999Z", "2020-01-02T03-04-05Z"],
    ["2020-01-02T03:04:05+02:00", "2020-01-02T01-04-05Z"],
    ["2019-12-31T23:30:00.5-01:00", "2020-01-01T00-30-00Z"],
  ])("has %s in UTC to the second", (created_at, stamp) => {
    expect(serviceId({ ...release, created_at }, "web")).toBe(`coinbase/deploy-test-development-${stamp}-web`);
  });

  it("has what the first generation draws, its service first", () => {
    const draw = { at: Date.parse("2020-05-06T07:08:09.123Z"), letters: "abcdefg" };

    expect(serviceId(release, "web", draw)).toBe("coinbase/deploy-test-development-web-2020-05-06T07-08-09Z-abcdefg");
  });

  it("cannot be made of a release without a time", () => {
    expect(() => serviceId({ ...release, created_at: "" }, "web")).toThrow(RangeError);
  });
});
