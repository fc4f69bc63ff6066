// Generated from internal/telemetry/wire.go by wireschema. Do not edit.

export const schemaVersion = 2;

export interface Sender {
  agent: string;
  schemaVersion: number;
  connectInstance: string;
  pageId: string;
  openPages: number;
  batchId: string;
  sentAt: string;
  droppedRecords?: number;
}

export interface Call {
  agentPrivateIp?: string;
  agentRoutingProfile?: string;
  contactId: string;
  contactQueue?: string;
  signalingHost?: string;
  iceHosts?: string[];
  markedBadAt?: string[];
}

export interface StreamRecord {
  softphoneStreamType: "audio_input" | "audio_output";
  timestamp: string;
  packetsLost: number | null;
  packetsCount: number | null;
  audioLevel: number | null;
  jitterBufferMillis: number | null;
  roundTripTimeMillis: number | null;
  jitterBufferDelayMilliseconds?: number | null;
  concealmentEvents?: number | null;
  echoReturnLoss?: number | null;
  echoReturnLossEnhancement?: number | null;
  muted?: boolean;
  onHold?: boolean;
}

export interface StreamBody extends Sender, Call {
  softphoneStreamStatistics: StreamRecord[];
}

export interface Dimension {
  name: string;
  value: number;
}

export interface APIRecord {
  name: string;
  timestamp: string;
  time: number | null;
  error: boolean;
  fault: boolean;
  optionalDimensions?: Dimension[];
}

export interface APIBody extends Sender {
  API_METRIC: APIRecord[];
}

export interface ReportBody extends Sender, Call {
  numberofCpu?: number;
  localDeviceMemoryLimit?: number;
  agentBrowserName?: string;
  agentBrowserversion?: string;
  ccpVersion?: string;
  report?: Record<string, unknown>;
}
