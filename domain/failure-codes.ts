/** The kinds of a failure; what each means stands in the schema of a problem. */
type Kind = 'NotReady' | 'Transient' | 'Refused' | 'Unsafe';

interface FailureMeaning {
  kinds: readonly Kind[];
  /** What has happened, in one sentence. */
  meaning: string;
  /** What generally helps; the remedy of a failure says what helps here. */
  action: string;
}

const waits = 'Nothing: the step retries by itself.';
const asked = 'Follow the remedy, then retry.';

/**
 * Every kind of situation that a person or an alert rule may want to tell apart, by its stable code. A code is never renamed or used for something else.
 * `docs/failures.md` is generated from this table.
 */
export const failureCodes = {
  WAITING: { kinds: ['NotReady'], meaning: 'The step is waiting for a system; this is not a failure.', action: waits },

  AZURE_UNREACHABLE: {
    kinds: ['Transient'],
    meaning: 'Azure did not answer.',
    action: 'The step retries by itself. If this lasts, check HSM_PROXY, the firewall and the network of the worker.',
  },
  AZURE_BUSY: {
    kinds: ['Transient', 'Refused'],
    meaning: 'Azure is throttling, is unavailable for the moment, or is still changing the same thing.',
    action: 'Transient: the step retries by itself. Refused: retry when the other change has finished.',
  },
  AZURE_REQUEST_REFUSED: {
    kinds: ['Refused'],
    meaning: 'Azure refused a request for a reason that no other code covers.',
    action: 'Fix the problem Azure reported, then retry.',
  },
  AZURE_FOREIGN_ANSWER: {
    kinds: ['Refused'],
    meaning: 'A proxy or another system between this service and Azure answered instead of Azure.',
    action: 'Check HSM_PROXY, the firewall and HSM_ARM_ENDPOINT, then retry.',
  },
  AZURE_SIGN_IN_UNAVAILABLE: {
    kinds: ['Transient', 'Refused', 'Unsafe'],
    meaning: 'The sign-in service of Azure could not be reached, or asked to try again later.',
    action: 'Transient: the step retries by itself. If this persists, check the network and the identity endpoint of the worker.',
  },
  AZURE_SIGN_IN_REFUSED: {
    kinds: ['Refused', 'Unsafe'],
    meaning: 'Azure refused the sign-in of this service, or its token.',
    action: 'Correct the identity, its credentials, or the clock of the worker as the remedy says; restart the worker, then retry.',
  },
  AZURE_IDENTITY_MISSING: {
    kinds: ['Refused', 'Unsafe'],
    meaning: 'No identity for Azure is set up on the worker’s host, or its files cannot be read.',
    action: 'Set the identity up as docs/run-on-azure.md says, restart the worker, then retry.',
  },
  AZURE_NOT_AUTHORIZED: {
    kinds: ['Refused'],
    meaning: 'The identity of this service lacks a role.',
    action: 'Assign the role that docs/run-on-azure.md lists, then retry.',
  },
  AZURE_POLICY_DISALLOWS: {
    kinds: ['Refused'],
    meaning: 'An Azure Policy does not allow what the request asks for.',
    action: 'Change the request to comply with the policy, or get an exemption; then retry.',
  },
  AZURE_LOCKED: { kinds: ['Refused'], meaning: 'A lock, or a disabled subscription, prevents the change.', action: 'Have the lock removed, then retry.' },
  AZURE_SUBSCRIPTION_NOT_FOUND: {
    kinds: ['Refused'],
    meaning: 'Azure does not know the subscription or directory, or does not show it to this service.',
    action: 'Check subscription, cloud and roles.',
  },
  AZURE_NOT_REGISTERED: {
    kinds: ['Refused'],
    meaning: 'A feature or resource provider is not registered for the subscription.',
    action: 'Register it, then retry.',
  },
  AZURE_FEATURE_NOT_GRANTED: {
    kinds: ['Refused'],
    meaning: 'The subscription has no access to Azure Dedicated HSM.',
    action: 'Send the access request that the remedy drafts, then retry.',
  },
  AZURE_QUOTA_EXCEEDED: {
    kinds: ['Refused'],
    meaning: 'A quota of the subscription is used up.',
    action: 'Free some of the quota or have it raised, then retry.',
  },
  AZURE_NO_CAPACITY: {
    kinds: ['Refused'],
    meaning: 'Azure has no free capacity for what was asked for.',
    action: 'Retry later, or ask for another stamp, size or region.',
  },
  AZURE_NOT_OFFERED: {
    kinds: ['Refused'],
    meaning: 'Azure does not offer a size, image or other thing that the request names.',
    action: 'Change the request to what Azure offers: retry with an amendment if the field can be amended, otherwise abort and send the request again.',
  },
  AZURE_TERMS_NOT_ACCEPTED: {
    kinds: ['Refused'],
    meaning: 'Marketplace terms are not accepted, or the purchase of an image is not allowed.',
    action: 'Accept the terms, then retry.',
  },
  AZURE_GATEWAY_UNSUITABLE: {
    kinds: ['Refused', 'Unsafe'],
    meaning: 'The gateway of the network is missing, of another type, failed, or not ready.',
    action: 'Check the gateway in the portal, then retry.',
  },
  AZURE_BEING_DELETED: {
    kinds: ['Unsafe', 'Refused'],
    meaning: 'Somebody is deleting a resource that the job needs.',
    action: 'Find out who and why before you retry.',
  },
  AZURE_RESOURCE_FAILED: {
    kinds: ['Refused'],
    meaning: 'An existing resource is in the state Failed.',
    action: 'Fix or delete it in the portal, then retry.',
  },
  AZURE_RESOURCE_MISMATCH: {
    kinds: ['Refused', 'Unsafe'],
    meaning: 'An existing resource (group, network, interface, HSM) does not fit the request; nothing existing is overwritten.',
    action: 'Fix the resource in Azure, then retry; or change the request to match it, with an amendment where possible.',
  },
  AZURE_RESOURCE_FOREIGN: {
    kinds: ['Unsafe', 'Refused'],
    meaning: 'A resource with this name exists but does not belong to this job; it was not changed.',
    action: 'Choose another name, or mark the resource as the remedy says.',
  },
  AZURE_MACHINE_REPLACED: {
    kinds: ['Unsafe'],
    meaning: 'A machine is not the one that the target record knows; nothing secret is sent to it.',
    action: 'Find out who replaced it, delete it, then retry.',
  },
  AZURE_AGENT_NOT_READY: {
    kinds: ['Refused'],
    meaning: 'A machine runs, but its Azure agent does not become ready.',
    action: 'Check the boot diagnostics, restart the machine, then retry.',
  },
  AZURE_DEPLOYMENT_FAILED: {
    kinds: ['Refused'],
    meaning: 'The deployment of the HSM failed or was canceled, for a reason that no other code covers.',
    action: 'Fix what Azure names, then retry.',
  },
  AZURE_DEPLOYMENT_HARMFUL: {
    kinds: ['Unsafe'],
    meaning: 'The deployment would change an existing resource, or create one that was not requested; it was not sent.',
    action: 'Check the resources or the template that the incident names.',
  },
  AZURE_TEMPLATE_UNUSABLE: {
    kinds: ['Transient', 'Refused'],
    meaning: 'The template of the request cannot be fetched or used.',
    action: 'Fix the template, then retry. If its address changes, retry with an amendment of /hsm/template.',
  },
  AZURE_HSM_MISSING: {
    kinds: ['Unsafe', 'Refused'],
    meaning: 'Azure shows no HSM where one must be.',
    action: 'Check the deployment in the portal, then retry.',
  },

  SSH_CONNECTION_FAILED: {
    kinds: ['Transient'],
    meaning: 'A host could not be reached over SSH, or the connection broke off, perhaps in the middle of a command.',
    action: 'The step retries by itself. If this lasts, check routes and firewall rules.',
  },
  SSH_HOST_KEY_CHANGED: {
    kinds: ['Unsafe'],
    meaning: 'A host presents another SSH host key than the pinned one; no password was sent.',
    action: 'Find out whether the host was rebuilt or somebody intercepts the connection.',
  },
  SSH_NO_COMMON_ALGORITHM: {
    kinds: ['Refused'],
    meaning: 'The host offers only SSH algorithms that are not allowed.',
    action: 'Update the appliance, or set HSM_LUNA_OLD_ALGORITHMS.',
  },

  HSM_APPLIANCE_PASSWORD_REFUSED: {
    kinds: ['Refused'],
    meaning: 'The HSM appliance refuses the stored password of tenantadmin, or the last sign-in with it received no response.',
    action: 'If the appliance does not have the stored password, set it there. Then retry: retrying signs in once more.',
  },
  HSM_APPLIANCE_PASSWORD_RESET: {
    kinds: ['Unsafe'],
    meaning: 'Somebody reset the password of tenantadmin, or the appliance does not ask for its change.',
    action: 'Set the stored password on the appliance, then retry.',
  },
  HSM_APPLIANCE_PASSWORD_NOT_TAKEN: {
    kinds: ['Refused'],
    meaning: 'The HSM appliance did not accept the stored password as its new one; its factory password is still valid.',
    action: 'Check the password rules of the appliance, then retry.',
  },
  HSM_COMMAND_FAILED: {
    kinds: ['Refused', 'Unsafe'],
    meaning: 'A LunaSH command or a file transfer failed, or reported success without taking effect.',
    action: 'Check the appliance, then retry.',
  },
  HSM_UNKNOWN_QUESTION: {
    kinds: ['Unsafe'],
    meaning: 'The appliance showed an unknown prompt, at sign-in or during a command; no answer was sent.',
    action: 'Sign in or run the command yourself to see the prompt, then retry.',
  },
  HSM_UNREADABLE: {
    kinds: ['Unsafe'],
    meaning: 'The state of the HSM or of a partition could not be read completely; nothing was done.',
    action: 'Check the state with LunaSH or lunacm, then retry.',
  },
  HSM_ADDRESS_MISMATCH: {
    kinds: ['Refused'],
    meaning: 'The appliance has another address than Azure shows for the HSM.',
    action: 'Find out which appliance this is; never change its address.',
  },
  HSM_FOREIGN: {
    kinds: ['Unsafe'],
    meaning:
      'The HSM is initialized with another label, or with the label of the request but no entry shows that this service initialized it. Somebody else may be using it.',
    action: 'Find out who uses it, or have its owner zeroize it. Retry only if it is yours: if it has the label of the request, retrying signs in once.',
  },
  HSM_ZEROIZED: {
    kinds: ['Unsafe'],
    meaning: 'The HSM was erased by somebody else during the job, or may have been.',
    action: 'Find out who erased it, and whether the partition and its keys are still there, before you go on.',
  },
  HSM_SO_ATTEMPTS_USED: {
    kinds: ['Unsafe'],
    meaning: 'Fewer than three sign-in attempts of the HSM’s security officer are left; none was made.',
    action: 'Sign in yourself as SO with the stored password, which resets the counter, then retry.',
  },
  HSM_SO_PASSWORD_REFUSED: {
    kinds: ['Unsafe'],
    meaning: 'The HSM refused the stored password of its security officer: three wrong ones erase it.',
    action: 'Do not retry before the cause is found.',
  },
  HSM_CLOCK_OFF: {
    kinds: ['Refused'],
    meaning: 'The clocks of the HSM and of the worker or CipherTrust Manager differ by more than 5 minutes.',
    action: 'Correct the wrong clock, then retry.',
  },
  HSM_NTLS_NOT_BOUND: {
    kinds: ['Refused', 'Unsafe'],
    meaning: 'NTLS of the HSM is not bound to eth0.',
    action: 'Bind it with ntls bind and restart the service, then retry.',
  },
  HSM_NO_ROOM: {
    kinds: ['Refused'],
    meaning: 'The HSM has no license or no space for another partition.',
    action: 'Make room, or ask for a smaller partition by an amendment.',
  },
  HSM_PARTITION_FOREIGN: {
    kinds: ['Unsafe'],
    meaning: 'A partition exists, is initialized, or holds objects, and this job did not do that.',
    action: 'Find out who owns it. Do not delete objects. If the remedy says so, retry with an amendment for another name or size.',
  },
  HSM_CLIENT_FOREIGN: {
    kinds: ['Unsafe'],
    meaning: 'A client with this name or address is registered, and this service did not create it.',
    action: 'Find out whose it is; delete it only if nobody uses it, then retry.',
  },
  HSM_CLIENT_NOT_REGISTERED: {
    kinds: ['Refused'],
    meaning: 'CipherTrust Manager is not registered with the HSM any more, or its partition is not assigned to it.',
    action: 'Register and assign it, then retry.',
  },

  LUNACM_COMMAND_FAILED: {
    kinds: ['Refused', 'Unsafe'],
    meaning: 'A command of lunacm or vtl failed.',
    action: 'Check the Luna client on the Windows host, then retry.',
  },
  LUNACM_SLOT_MISSING: {
    kinds: ['Unsafe', 'Refused'],
    meaning: 'The Luna client does not show the partition.',
    action: 'Check the trust link (vtl verify, slot list), then retry.',
  },
  LUNACM_SLOT_MOVED: {
    kinds: ['Unsafe'],
    meaning: 'The slot of the partition changed between two checks: a command could reach another partition.',
    action: 'Check slot list on the Windows host, then retry.',
  },
  LUNACM_PASSWORD_REFUSED: {
    kinds: ['Unsafe'],
    meaning: 'A role of the partition refused its stored password: ten wrong ones lock or erase it.',
    action: 'Do not retry before the cause is found.',
  },
  LUNACM_PASSWORD_EXPIRED: {
    kinds: ['Unsafe'],
    meaning: 'A role of the partition accepts the password but requires a new one: somebody reset it.',
    action: 'Change the password, then set the stored one again, then retry.',
  },
  LUNACM_ATTEMPTS_USED: {
    kinds: ['Unsafe'],
    meaning: 'A role of the partition is locked out, or has too few sign-in attempts left; none was made.',
    action: 'Sign in yourself with the stored password, which resets the counter, then retry.',
  },

  CLIENT_INSTALL_FAILED: {
    kinds: ['Refused'],
    meaning: 'The Luna client could not be installed: the installer is not available, its script failed, or the script does not finish.',
    action: 'Fix the cause, then retry. If /lunaClient/installer is wrong, retry with an amendment of it.',
  },
  CLIENT_WRONG_VERSION: { kinds: ['Refused'], meaning: 'The installed Luna client is not the one asked for.', action: asked },
  CLIENT_CONFIGURATION_BROKEN: {
    kinds: ['Unsafe'],
    meaning: 'The configuration of the Luna client cannot be read, or does not reach the partition any more.',
    action: 'Check crystoki.ini on the Windows host, then retry.',
  },
  CLIENT_KEY_ENCRYPTED: {
    kinds: ['Refused'],
    meaning: 'vtl createcert encrypts the private key, which CipherTrust Manager cannot use.',
    action: 'Retry with an amendment of /certificate to "generated".',
  },

  WINDOWS_FILE_FAILED: {
    kinds: ['Refused'],
    meaning: 'A file on the Windows host could not be read or written.',
    action: 'Check the file system of the host, then retry.',
  },
  WINDOWS_SIGN_IN_REFUSED: { kinds: ['Refused'], meaning: 'The Windows host refused the SSH sign-in.', action: asked },
  WINDOWS_PROCESS_LEFT: {
    kinds: ['Transient'],
    meaning: 'A process that an earlier attempt left on the Windows host could not be ended.',
    action: 'The step waits for it. If this lasts, check the processes on the Windows host.',
  },

  CIPHERTRUST_UNREACHABLE: { kinds: ['Transient'], meaning: 'CipherTrust Manager did not answer.', action: waits },
  CIPHERTRUST_BUSY: { kinds: ['Transient'], meaning: 'CipherTrust Manager, or a proxy before it, is unavailable for the moment.', action: waits },
  CIPHERTRUST_REQUEST_FAILED: {
    kinds: ['Refused'],
    meaning: 'CipherTrust Manager refused a request, or its response lacks required data.',
    action: 'Fix the problem CipherTrust Manager reported, then retry.',
  },
  CIPHERTRUST_PASSWORD_REFUSED: {
    kinds: ['Refused'],
    meaning: 'CipherTrust Manager refuses every password that admin may have.',
    action: 'Set the stored password of admin, or wait until a locked account is free, then retry.',
  },
  CIPHERTRUST_CERTIFICATE_CHANGED: {
    kinds: ['Unsafe'],
    meaning: 'CipherTrust Manager presents another certificate than the pinned one.',
    action: 'Find out who changed it, or whether somebody intercepts the connection, before you retry.',
  },
  CIPHERTRUST_CHANGED: {
    kinds: ['Unsafe'],
    meaning: 'CipherTrust Manager was wiped or changed, and not by this job.',
    action: 'Find out who changed it.',
  },
  CIPHERTRUST_LICENSE_MISSING: {
    kinds: ['Refused'],
    meaning: 'CipherTrust Manager has no license or trial that allows an HSM as root of trust.',
    action: 'Install a license, then retry.',
  },
  CIPHERTRUST_PORT_CLOSED: {
    kinds: ['Refused'],
    meaning: 'CipherTrust Manager cannot reach port 1792 of the HSM.',
    action: 'Open the way (outbound rule, route), then retry.',
  },
  CIPHERTRUST_CERTIFICATE_UNUSABLE: {
    kinds: ['Refused', 'Unsafe'],
    meaning: 'The client certificate has expired, has another key, or is not the registered one.',
    action: asked,
  },
  CIPHERTRUST_SETUP_FAILED: {
    kinds: ['Refused'],
    meaning: 'CipherTrust Manager could not set the HSM as root of trust.',
    action: 'Fix the problem it reported; a retry sends hsm/setup once more, which wipes it.',
  },
  CIPHERTRUST_SETUP_NO_EFFECT: {
    kinds: ['Unsafe'],
    meaning: 'hsm/setup was sent, and nothing changed.',
    action: 'Check the log of CipherTrust Manager; a retry sends hsm/setup once more, which wipes it.',
  },
  CIPHERTRUST_ROOT_OF_TRUST_WRONG: {
    kinds: ['Unsafe'],
    meaning: 'CipherTrust Manager does not have the partition as its root of trust.',
    action: 'Do not use this CipherTrust Manager before the cause is found.',
  },

  SECRET_MISSING: { kinds: ['Refused'], meaning: 'A secret that the request names is not in the secret store.', action: 'Store it, then retry.' },
  SECRET_LOST: {
    kinds: ['Refused', 'Unsafe'],
    meaning: 'A secret that this service stored is missing or deleted; no other value was generated or tried in its place.',
    action: 'Restore or recover it, then retry.',
  },
  SECRET_UNUSABLE: {
    kinds: ['Refused'],
    meaning: 'A secret that the request names cannot be used for its purpose.',
    action: 'Name another secret, by an amendment where possible.',
  },
  SECRET_KEY_LOST: {
    kinds: ['Refused', 'Unsafe'],
    meaning: 'The key of the secret store is missing, or is not the key that the secrets were encrypted with.',
    action: 'Restore the right key, then retry.',
  },
  SECRET_STORE_FAILED: {
    kinds: ['Refused', 'Unsafe'],
    meaning: 'The secret store failed or refused a request.',
    action: 'Fix the store or the access to it, then retry.',
  },
  SECRET_STORE_UNREACHABLE: {
    kinds: ['Refused', 'Unsafe', 'Transient'],
    meaning: 'The key vault did not answer, or is throttling.',
    action: 'Check the network between the worker and the key vault, then retry.',
  },

  RECORD_DAMAGED: {
    kinds: ['Unsafe', 'Refused'],
    meaning: 'An entry of the target record is missing, changed, or not understood; nothing was done.',
    action: 'Restore the record or its key from the backup, then retry.',
  },
  RECORD_STALE: { kinds: ['Transient'], meaning: 'Another attempt wrote to the target record first.', action: waits },
  RECORD_NOT_WRITTEN: {
    kinds: ['Unsafe'],
    meaning: 'The result of a password attempt could not be recorded in the target record.',
    action: 'Check the storage of the target record, then retry.',
  },
  STORE_UNREACHABLE: { kinds: ['Transient'], meaning: 'The blob storage of record or reports did not answer, or is throttling.', action: waits },
  STORE_REFUSED: {
    kinds: ['Refused', 'Unsafe'],
    meaning: 'The storage of record or reports refused a request.',
    action: 'Fix the access to it, then retry.',
  },

  WORKER_DISK_FULL: { kinds: ['Transient'], meaning: 'The disk or disk quota of the worker is full.', action: 'Free space on the worker.' },
  WORKER_DISK_FAILED: {
    kinds: ['Transient'],
    meaning: 'A disk of the worker is read-only, gone, busy, or reports errors.',
    action: 'Check the disk of the worker.',
  },
  WORKER_OVERLOADED: {
    kinds: ['Transient'],
    meaning: 'The worker has no memory, processes, or open files left.',
    action: 'Free memory on the worker, or raise its limits.',
  },
  WORKER_NAME_NOT_RESOLVED: {
    kinds: ['Transient'],
    meaning: 'The worker cannot resolve a name.',
    action: 'Check the name and the name servers of the worker.',
  },
  WORKER_NOT_CONFIRMED: {
    kinds: ['Transient'],
    meaning: 'Temporal did not confirm in time that the attempt is still the current one, or did not tell its time; nothing more was sent.',
    action: 'The step retries by itself. If this lasts, check the connection to Temporal and the clock of the worker.',
  },
  WORKER_OUT_OF_TIME: { kinds: ['Transient'], meaning: 'An attempt timed out, and its connections were closed.', action: waits },
  WORKER_INPUT_INVALID: {
    kinds: ['Refused'],
    meaning: 'This version cannot work with the input of a step.',
    action: 'Run the same version on all workers, or correct the request.',
  },
  WORKER_RESULT_INVALID: { kinds: ['Unsafe'], meaning: 'The result of a step is not what later steps rely on: this is a bug.', action: 'Report it.' },
  WORKER_BUG: {
    kinds: ['Unsafe'],
    meaning: 'An unexpected error occurred: this is a bug.',
    action: 'See the log of the worker and report the error; then retry or abort.',
  },

  STEP_NO_EFFECT: {
    kinds: ['Unsafe'],
    meaning: 'A system reported success, but the change did not take effect.',
    action: 'Check the system and fix why the change has no effect, then retry.',
  },
  STEP_TIMED_OUT: {
    kinds: ['Refused'],
    meaning: 'A step was not done before its deadline.',
    action: 'Check the system; a retry gives the step the same time again.',
  },
  STEP_FAILED: { kinds: ['Unsafe'], meaning: 'A step failed without reporting a reason.', action: 'See the log of the worker, then retry or abort.' },
  APPROVAL_NOT_ON_RECORD: {
    kinds: ['Unsafe'],
    meaning: 'The job has an approval that is not in the target record, or that the record has for something else.',
    action:
      'Find out how the job got it and whether the target record was replaced. Then abort, and send the request again: the new job asks for another approval.',
  },
  APPROVAL_TIMED_OUT: { kinds: ['Refused'], meaning: 'Nobody decided about an approval before its deadline.', action: 'Retry to ask again.' },
} as const satisfies Record<string, FailureMeaning>;

export type FailureCode = keyof typeof failureCodes;
/** The codes of one kind. */
export type CodeOf<K extends Kind> = { [Code in FailureCode]: K extends (typeof failureCodes)[Code]['kinds'][number] ? Code : never }[FailureCode];

export const isFailureCode = (text: unknown): text is FailureCode => typeof text === 'string' && Object.hasOwn(failureCodes, text);
