import { describe, expect, it } from "vitest";
import { escapeFilterValue } from "./escape-filter-value.ts";

describe("escapeFilterValue", () => {
  it("takes their meaning from wildcards", () => {
    expect(escapeFilterValue("web-*?\\")).toBe("web-\\*\\?\\\\");
  });

  it("leaves other names as they are", () => {
    expect(escapeFilterValue("org/shop.web_1")).toBe("org/shop.web_1");
  });
});
