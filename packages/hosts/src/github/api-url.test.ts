// terraform-provider-github#2546, docker-github-actions-runner#589
import { expect, it } from "vitest";
import { toApiUrl } from "./api-url.ts";

it.each([
  ["https://github.example.org", "https://github.example.org/api/v3"],
  ["https://github.example.org/", "https://github.example.org/api/v3"],
  ["https://acme.ghe.com", "https://api.acme.ghe.com"],
  ["https://acme.ghe.com/", "https://api.acme.ghe.com"],
  ["https://acme.ghe.com.example.org", "https://acme.ghe.com.example.org/api/v3"],
])("the API of %s is at %s", (url, expected) => {
  expect(toApiUrl(url)).toBe(expected);
});
