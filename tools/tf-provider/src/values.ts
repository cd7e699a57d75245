import { Decoder, Encoder, ExtensionCodec } from "@msgpack/msgpack";

/** A value of the protocol, in either of its encodings. */
export interface DynamicValue {
  readonly msgpack: Uint8Array;
}

/** A value that is known only after the apply. */
export const UNKNOWN = Symbol("unknown");

/** Terraform writes an unknown value as an extension of type 0 (Terraform's object-wire-format.md). */
const UNKNOWN_TYPE = 0;
/** An unknown value of which something is known, such as that it is not null. What is known is not used. */
const REFINED_TYPE = 12;

const extensionCodec = new ExtensionCodec();
extensionCodec.register({
  type: UNKNOWN_TYPE,
  encode: (value) => (value === UNKNOWN ? new Uint8Array(1) : null),
  decode: () => UNKNOWN,
});
extensionCodec.register({ type: REFINED_TYPE, encode: () => null, decode: () => UNKNOWN });

const decoder = new Decoder({ extensionCodec });
const encoder = new Encoder({ extensionCodec });

/** Reads a value; null for an absent one. */
export function fromDynamicValue(value: DynamicValue | null): unknown {
  return value === null || value.msgpack.length === 0 ? null : decoder.decode(value.msgpack);
}

export function toDynamicValue(value: unknown): DynamicValue {
  return { msgpack: Buffer.from(encoder.encode(value)) };
}
