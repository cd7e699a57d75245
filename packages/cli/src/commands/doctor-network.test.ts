import { expect, it } from "vitest";
import { withoutCredentials } from "./doctor-network.ts";

it.each([
  ["http://usr:hunter2@127.0.0.1:4566", "http://127.0.0.1:4566"],
  ["https://sts.eu-west-1.amazonaws.com", "https://sts.eu-west-1.amazonaws.com"],
  ["https://hooks.example.org/T1/B2?X-Signature=hunter2#hunter2", "https://hooks.example.org/T1/B2"],
  ["https://usr@example.org/", "https://example.org"],
])("asks and shows %s without what may be a credential", (address, shown) => {
  expect(withoutCredentials(address)).toBe(shown);
});
