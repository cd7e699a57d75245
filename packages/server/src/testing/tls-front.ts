import { generateKeyPairSync, sign } from "node:crypto";
import { type AddressInfo, connect, type Socket } from "node:net";
import { createServer } from "node:tls";

/** Ends TLS before a server, as a proxy does. */
export interface TlsFront {
  readonly port: number;
  /** Passes connections on to this port of the loopback interface. */
  target: number;
  stop(): Promise<void>;
}

/** Starts one on a free port, with a self-signed certificate. */
export async function startTlsFront(): Promise<TlsFront> {
  const sockets = new Set<Socket>();
  const server = createServer(createCertificate(), (socket) => {
    const upstream = connect(front.target, "127.0.0.1");
    for (const each of [socket, upstream]) {
      sockets.add(each);
      each.on("error", () => socket.destroy(upstream.destroy().errored ?? undefined));
    }
    socket.pipe(upstream).pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const front: TlsFront = {
    port: (server.address() as AddressInfo).port,
    target: 0,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
  return front;
}

/** Creates a self-signed certificate (RFC 5280, version 1), so that no private key is part of the repository. */
function createCertificate(): { readonly key: string; readonly cert: string } {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const ecdsaWithSha256 = der(0x30, der(0x06, Buffer.from("2a8648ce3d040302", "hex")));
  const commonName = der(0x30, der(0x06, Buffer.from("550403", "hex")), der(0x0c, Buffer.from("yard.test")));
  const name = der(0x30, der(0x31, commonName));
  const validity = der(0x30, ...["200101000000Z", "491231235959Z"].map((at) => der(0x17, Buffer.from(at))));
  const serial = der(0x02, Buffer.from([1]));
  const publicPart = publicKey.export({ type: "spki", format: "der" });
  const body = der(0x30, serial, ecdsaWithSha256, name, validity, name, publicPart);
  const signature = der(0x03, Buffer.from([0]), sign("sha256", body, privateKey));
  const cert = der(0x30, body, ecdsaWithSha256, signature).toString("base64");
  return {
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${cert}\n-----END CERTIFICATE-----\n`,
  };
}

/** Encodes one value of a certificate (X.690). */
function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}
