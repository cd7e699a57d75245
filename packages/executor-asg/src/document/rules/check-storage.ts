import type { RawService } from "../raw-release.ts";
import { type Fault, pointTo, quote } from "../release-problem.ts";

/** A device, by names that do not depend on where it stands. */
interface Device {
  readonly type: string;
  readonly iops: number | undefined;
  readonly throughput: number | undefined;
  readonly encrypted: boolean | undefined;
  readonly key: string | undefined;
}

/** Kinds whose IOPS can be chosen, and those for which they must be (EC2, EbsBlockDevice, `Iops`). */
const WITH_IOPS = ["gp3", "io1", "io2"];
const IOPS_NEEDED = ["io1", "io2"];

/** The rules of EBS volumes: what a type knows, and that nothing is given for a device that is not asked for. */
export function* checkStorage(service: RawService, pointer: string): Generator<Fault> {
  yield* checkFirst(service, pointer);
  for (const [index, volume] of (service.volumes ?? []).entries()) {
    if (volume === null) continue;
    const { type = "gp3", iops, throughput, encrypted, kms_key: key } = volume;
    const place = pointTo(pointer, "volumes", index);
    yield* checkDevice({ type, iops, throughput, encrypted, key }, (name) => pointTo(place, name));
    if (IOPS_NEEDED.includes(type) && iops === undefined) {
      yield {
        code: "release-ebs-iops-missing",
        pointer: pointTo(place, "iops"),
        message: `A volume of type ${type} needs iops.`,
      };
    }
  }
  yield* checkNames(service, pointer);
}

/** Without a size these are refused; type and device have always been passed over, and are warned of. */
const OF_THE_FIRST = [
  "ebs_iops",
  "ebs_throughput",
  "ebs_encrypted",
  "ebs_kms_key",
  "ebs_delete_on_termination",
] as const;

function* checkFirst(service: RawService, pointer: string): Generator<Fault> {
  const { ebs_volume_size: size, ebs_volume_type: type = "gp3", ebs_iops: iops, ebs_throughput: throughput } = service;
  const at = (key: string) => pointTo(pointer, key);
  if (size !== undefined) {
    if (size < 1) {
      const message = `ebs_volume_size is ${size}; it must be at least 1 GiB.`;
      yield { code: "release-ebs-size", pointer: at("ebs_volume_size"), message };
    }
    const device = { type, iops, throughput, encrypted: service.ebs_encrypted, key: service.ebs_kms_key };
    yield* checkDevice(device, (name) => at(`ebs_${name}`));
    return;
  }
  for (const key of OF_THE_FIRST.filter((one) => service[one] !== undefined)) {
    const message = `${key} is given without ebs_volume_size, and would be of no effect. Give the size, or remove it.`;
    yield { code: "release-ebs-without-size", pointer: at(key), with: [at("ebs_volume_size")], message };
  }
}

function* checkDevice(
  { type, iops, throughput, encrypted, key }: Device,
  at: (key: string) => string,
): Generator<Fault> {
  if (iops !== undefined && !WITH_IOPS.includes(type)) {
    const message = `The IOPS of a volume of type ${quote(type)} cannot be chosen, only those of ${WITH_IOPS.join(", ")}.`;
    yield { code: "release-ebs-iops-foreign", pointer: at("iops"), message };
  }
  if (throughput !== undefined && type !== "gp3") {
    const message = `The throughput of a volume of type ${quote(type)} cannot be chosen, only that of gp3.`;
    yield { code: "release-ebs-throughput-foreign", pointer: at("throughput"), message };
  }
  if (key !== undefined && encrypted !== true) {
    const message = "A key is given for a volume that is not encrypted. Say encrypted, too.";
    yield { code: "release-ebs-key-unused", pointer: at("kms_key"), with: [at("encrypted")], message };
  }
}

/** The device of the first volume where the document names none. */
export const DEFAULT_DEVICE = "/dev/xvda";

function* checkNames(service: RawService, pointer: string): Generator<Fault> {
  const first = service.ebs_volume_size === undefined ? [] : [service.ebs_device_name ?? DEFAULT_DEVICE];
  const taken = new Set<string>(first);
  for (const [index, volume] of (service.volumes ?? []).entries()) {
    const device = volume?.device;
    if (device !== undefined && taken.has(device)) {
      const message = `The device ${quote(device)} is there twice.`;
      yield { code: "release-ebs-device-twice", pointer: pointTo(pointer, "volumes", index, "device"), message };
    }
    if (device !== undefined) taken.add(device);
  }
}
