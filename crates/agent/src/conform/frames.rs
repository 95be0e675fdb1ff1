//! Frames as bytes, so that a hub of a later version can be played: this one knows no frame that is not in the proto.

use op_proto::agent::v1::AgentFrame;
use tonic::Status;
use tonic::codec::{BufferSettings, Codec, EncodeBuf, Encoder};
use tonic_prost::{ProstCodec, ProstDecoder};

use prost::bytes::BufMut;

/// Sends encoded frames of a hub, and reads those of an agent.
pub(super) struct Frames;

impl Codec for Frames {
    type Encode = Vec<u8>;
    type Decode = AgentFrame;
    type Encoder = Bytes;
    type Decoder = ProstDecoder<AgentFrame>;

    fn encoder(&mut self) -> Bytes {
        Bytes
    }

    fn decoder(&mut self) -> ProstDecoder<AgentFrame> {
        ProstCodec::<AgentFrame, AgentFrame>::raw_decoder(BufferSettings::default())
    }
}

/// Sends bytes as they are.
pub(super) struct Bytes;

impl Encoder for Bytes {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, frame: Vec<u8>, into: &mut EncodeBuf<'_>) -> Result<(), Status> {
        into.put_slice(&frame);
        Ok(())
    }
}

/// Frames that no version of the protocol knows today: one without an arm, and one with an arm to come.
pub(super) fn unknown() -> [Vec<u8>; 2] {
    // Field 1000 of the wire type that carries messages and text, three bytes long:
    // https://protobuf.dev/programming-guides/encoding/
    let arm_to_come = vec![0xc2, 0x3e, 3, b'n', b'e', b'w'];
    [Vec::new(), arm_to_come]
}

#[cfg(test)]
mod tests {
    use super::*;
    use op_proto::agent::v1::HostFrame;
    use prost::Message as _;

    #[test]
    fn unknown_frames_are_valid_and_say_nothing() {
        for frame in unknown() {
            assert_eq!(HostFrame::decode(&frame[..]), Ok(HostFrame { frame: None }));
        }
    }
}
