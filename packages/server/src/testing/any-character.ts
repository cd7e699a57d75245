import fc from "fast-check";

/** Any character of Unicode. The library's own unit `binary` takes seconds to set up. */
export const anyCharacter = fc
  .integer({ min: 0, max: 0x10_f7_ff })
  .map((code) => String.fromCodePoint(code < 0xd8_00 ? code : code + 0x8_00));
