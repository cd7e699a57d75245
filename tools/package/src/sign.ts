import { createMessage, decryptKey, type PrivateKey, readPrivateKey, sign } from "openpgp";

/** Makes detached, armored signatures. */
export interface Signer {
  sign(content: Uint8Array): Promise<string>;
}

/**
 * Creates a signer with an armored private key. Throws when the key cannot be read or is locked and the passphrase does
 * not open it.
 */
export async function createSigner(armoredKey: string, passphrase?: string): Promise<Signer> {
  const key = await openKey(armoredKey, passphrase);
  return {
    async sign(content) {
      const message = await createMessage({ binary: content });
      return String(await sign({ message, signingKeys: key, detached: true, format: "armored" }));
    },
  };
}

async function openKey(armoredKey: string, passphrase: string | undefined): Promise<PrivateKey> {
  const privateKey = await readPrivateKey({ armoredKey });
  if (privateKey.isDecrypted()) return privateKey;
  if (passphrase === undefined)
    throw new Error("The key is locked: name a file with its passphrase by --passphrase-file.");
  return decryptKey({ privateKey, passphrase });
}
