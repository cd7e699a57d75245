import { describe, expect, it } from "vitest";
import { findOwnerFault, isOwnAddress } from "./own-server.ts";

const folder = { path: ".stackyard", uid: 1000, mode: 0o40755 };

describe("findOwnerFault", () => {
  it.each([
    ["the user's own", [folder], 1000, undefined],
    ["root's", [folder, { ...folder, uid: 0 }], 1000, undefined],
    ["those of a group that shares them", [{ ...folder, mode: 0o40775 }], 1000, undefined],
    ["another user's", [folder, { ...folder, path: "token", uid: 1001 }], 1000, "token belongs to another user"],
    ["another user's, for root too", [folder], 0, ".stackyard belongs to another user"],
    ["everyone's", [{ ...folder, mode: 0o41777 }], 1000, "every user may write to .stackyard"],
  ])("knows %s files", (_, files, userId, fault) => {
    expect(findOwnerFault(files, userId)).toBe(fault);
  });
});

describe("isOwnAddress", () => {
  it.each(["http://127.0.0.1:7070", "http://localhost:1", "http://[::1]:7070", "http://0.0.0.0:7070", "http://[::]:1"])(
    "accepts %s",
    (address) => expect(isOwnAddress(address)).toBe(true),
  );

  it.each([
    "https://evil.example",
    "http://192.0.2.7:7070",
    "http://127.0.0.1.evil.example:7070",
    "http://localhost.evil.example",
    "http://127.0.0.1@evil.example/",
    "http://[2001:db8::1]:7070",
    "no address",
  ])("refuses %s", (address) => expect(isOwnAddress(address)).toBe(false));
});
