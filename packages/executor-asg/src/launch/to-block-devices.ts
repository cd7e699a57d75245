import type { LaunchTemplateBlockDeviceMappingRequest, VolumeType } from "@aws-sdk/client-ec2";
import type { Service, Volume } from "../document/release.ts";
import { DEFAULT_DEVICE } from "../document/rules/check-storage.ts";

const TYPE = "gp3";

/** The block devices of a service's launch template: the one of the `ebs_…` keys where a size is given, then the further ones. */
export function toBlockDevices(service: Service): LaunchTemplateBlockDeviceMappingRequest[] {
  const main = toMainVolume(service);
  return [...(main === undefined ? [] : [main]), ...service.volumes].map(toMapping);
}

function toMainVolume(service: Service): Volume | undefined {
  if (service.ebs_volume_size === undefined) return undefined;
  return {
    device: service.ebs_device_name ?? DEFAULT_DEVICE,
    size: service.ebs_volume_size,
    type: service.ebs_volume_type ?? TYPE,
    ...(service.ebs_iops !== undefined && { iops: service.ebs_iops }),
    ...(service.ebs_throughput !== undefined && { throughput: service.ebs_throughput }),
    ...(service.ebs_encrypted !== undefined && { encrypted: service.ebs_encrypted }),
    ...(service.ebs_kms_key !== undefined && { kms_key: service.ebs_kms_key }),
    ...(service.ebs_delete_on_termination !== undefined && {
      delete_on_termination: service.ebs_delete_on_termination,
    }),
  };
}

function toMapping(volume: Volume): LaunchTemplateBlockDeviceMappingRequest {
  // A key encrypts: EC2 refuses one beside nothing ("EbsBlockDevice", KmsKeyId).
  const encrypted = volume.encrypted ?? (volume.kms_key === undefined ? undefined : true);
  return {
    DeviceName: volume.device,
    Ebs: {
      VolumeSize: volume.size,
      // EC2 knows more types than the SDK's list of them.
      VolumeType: volume.type as VolumeType,
      ...(volume.iops !== undefined && { Iops: volume.iops }),
      ...(volume.throughput !== undefined && { Throughput: volume.throughput }),
      ...(encrypted !== undefined && { Encrypted: encrypted }),
      ...(volume.kms_key !== undefined && { KmsKeyId: volume.kms_key }),
      // Launch configurations delete each volume with its instance; templates keep those that are not the image's root.
      DeleteOnTermination: volume.delete_on_termination ?? true,
    },
  };
}
