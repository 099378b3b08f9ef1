// Runs ews-javascript-api's SOAP Autodiscover for one address and prints one JSON line.
// Usage: node ews-javascript-api.ts ADDRESS USER [URL], with the password in CLIENT_PASSWORD. Without URL it discovers.
import {
  AutodiscoverErrorCode,
  AutodiscoverService,
  ExchangeVersion,
  Uri,
  UserSettingName,
  WebCredentials,
} from 'ews-javascript-api';

const [address = '', user = '', url] = process.argv.slice(2);
const version = ExchangeVersion.Exchange2010_SP2;
const service = url === undefined ? new AutodiscoverService(version) : new AutodiscoverService(new Uri(url), version);
service.Credentials = new WebCredentials(user, process.env.CLIENT_PASSWORD ?? '');
service.RedirectionUrlValidationCallback = () => true;

const WANTED = [
  'UserDisplayName',
  'UserDN',
  'AutoDiscoverSMTPAddress',
  'InternalRpcClientServer',
  'InternalEwsUrl',
  'ExternalEwsUrl',
  'ExternalMailboxServer',
  'EwsSupportedSchemas',
] as const;

const outcome: Record<string, unknown> = { client: 'ews-javascript-api', address };
try {
  const response = await service.GetUserSettings(
    address,
    WANTED.map((name) => UserSettingName[name]),
  );
  outcome.ok = response.ErrorCode === AutodiscoverErrorCode.NoError;
  outcome.error = AutodiscoverErrorCode[response.ErrorCode];
  outcome.message = response.ErrorMessage;
  outcome.redirectTarget = response.RedirectTarget;
  outcome.url = service.Url?.ToString();
  outcome.settings = Object.fromEntries(
    WANTED.flatMap((name) => {
      const value: unknown = response.Settings.get(UserSettingName[name]);
      return value === undefined || value === null ? [] : [[name, value]];
    }),
  );
} catch (error) {
  outcome.ok = false;
  outcome.error = error instanceof Error ? error.constructor.name : typeof error;
  outcome.message = messageOf(error);
}
process.stdout.write(`${JSON.stringify(outcome)}\n`);
process.exit(0); // its connections would keep us

/** Its exceptions are not always Errors: a refused request is thrown as the answer itself. */
function messageOf(error: unknown): string {
  const { Message, message, status } = (error ?? {}) as { Message?: unknown; message?: unknown; status?: unknown };
  return String(Message ?? message ?? (status === undefined ? error : `HTTP ${status}`));
}
